"""Running the OPA binary: an empty environment, a time limit, and its messages in an author's words."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

from bspec_opa.bundle.reasons import FORBIDDEN_BUILTIN, OPA_FAILED, REGO_INVALID
from bspec_opa.foundation.errors import BspecError, Location, Problem, error_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

OPA_VERSION = "1.22.2"
TIMEOUT_S = 120.0
# A policy could read the environment of the process that evaluates it (opa.runtime): it finds nothing here.
_ENVIRONMENT = {"PATH": "/nonexistent", "HOME": "/nonexistent"}
_LOCAL = re.compile(r"__local([0-9]+)__")
_LOCATED = re.compile(r"(?<![^\s:])(?P<file>[^\s:]+\.rego):(?P<row>[0-9]+): (?P<message>.*)")
_TRANSLATIONS = (
    (re.compile(r"undefined function (\S+)"), "{0} is not on the allow-list of builtins; let Python compute the fact"),
    (re.compile(r"unexpected : token"), '"contains" forgotten? write: deny contains {{...}} if {{...}}'),
    (
        re.compile(r"(?:concat|internal\.template_string): invalid argument"),
        'a text is made of strings and numbers; a set or list is sorted and joined: concat(", ", sort(ids))',
    ),
    (re.compile(r"undefined ref: (\S+)"), "{0} is in no schema: misspelt?"),
)


class Opa:
    """One OPA binary.

    Args:
        path: the binary; its version is checked by :meth:`require_version`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()  # runs start in other folders

    def run(
        self, arguments: Sequence[str], *, cwd: Path | None = None, stdin: bytes = b"", timeout_s: float = TIMEOUT_S
    ) -> str:
        """Standard output of one run.

        Raises:
            EngineError: the binary can't be started or takes too long.
            InvalidInputError: OPA refuses the policies; one problem for each of its errors.
        """
        try:
            # Bytes: what OPA prints is decoded here, whatever the locale.
            done = subprocess.run(
                [str(self.path), *arguments],
                cwd=cwd,
                env=_ENVIRONMENT,
                input=stdin,
                capture_output=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as e:
            raise OPA_FAILED.error(f"opa {arguments[0]} took longer than {timeout_s:g} s") from e
        except OSError as e:
            raise OPA_FAILED.error(f"{self.path} can't be started: {e.strerror}", hint="install OPA") from e
        output = done.stdout.decode("utf-8", "replace")
        if done.returncode:
            raise _refusal(arguments[0], output, done.stderr.decode("utf-8", "replace"))
        return output

    def require_version(self) -> None:
        """Check that this is the one OPA version that bundles are built with.

        Raises:
            EngineError: another version.
        """
        first = self.run(["version"], timeout_s=30).partition("\n")[0]
        if first != f"Version: {OPA_VERSION}":
            raise OPA_FAILED.error(f"{self.path} says {first[:60]!r}", hint=f"use OPA {OPA_VERSION}")


def _refusal(command: str, output: str, errors: str) -> BspecError:
    problems = _structured(output) or _structured(errors) or _plain(errors or output)
    return error_of(problems or [OPA_FAILED.problem(f"opa {command} failed and said nothing")])


def _structured(text: str) -> list[Problem]:
    """The errors of ``-f json``, if the text is that."""
    try:
        found = json.loads(text)
        errors: list[Mapping[str, object]] = found["errors"]
        return [_one(str(e["message"]), e.get("location")) for e in errors]
    except (ValueError, KeyError, TypeError):
        return []


def _one(message: str, location: object) -> Problem:
    at = None
    if isinstance(location, dict):
        at = Location(str(location.get("file", "")), location.get("row"), location.get("col"))
    return translate(message, at)


def _plain(text: str) -> list[Problem]:
    found: list[Problem] = []
    for line in text.splitlines():
        match = _LOCATED.search(line)
        if match:
            found.append(translate(match["message"], Location(match["file"], int(match["row"]))))
    return found or ([REGO_INVALID.problem(_readable(text.strip())[:2000])] if text.strip() else [])


def translate(message: str, at: Location | None) -> Problem:
    """A problem from one of OPA's messages, with a hint where authors are known to stumble."""
    readable = _readable(message)
    for pattern, hint in _TRANSLATIONS:
        match = pattern.search(readable)
        if match:
            reason = FORBIDDEN_BUILTIN if "undefined function" in readable else REGO_INVALID
            return reason.problem(readable, hint=hint.format(*match.groups()), at=at)
    return REGO_INVALID.problem(readable, at=at)


def _readable(message: str) -> str:
    return _LOCAL.sub("_", message)
