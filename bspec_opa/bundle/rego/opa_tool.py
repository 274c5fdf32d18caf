"""Running the OPA binary: an empty environment, a time limit, and its messages in an author's words."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bspec_opa.bundle.reasons import FORBIDDEN_BUILTIN, OPA_FAILED, REGO_INVALID
from bspec_opa.foundation.errors import BspecError, Location, Problem, error_of
from bspec_opa.foundation.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

CANARY = "bspec/rules/canary"
"""Where the policies lie that OPA must refuse."""
OPA_VERSION = "1.22.2"
TIMEOUT_S = 120.0
# A policy could read the environment of the process that evaluates it (opa.runtime): it finds nothing here.
_ENVIRONMENT = {"PATH": "/nonexistent", "HOME": "/nonexistent"}
_LOCAL = re.compile(r"__local([0-9]+)__")
_LOCATED = re.compile(r"(?<![^\s:])(?P<file>[^\s:]+\.rego):(?P<row>[0-9]+): (?P<message>.*)")
TEMPLATE = 'not on the allow-list of builtins: write $"tool {t.id} is wrong", a text with values in braces'
"""What to do without ``sprintf``, which every author knows from elsewhere."""
_TRANSLATIONS = (
    (re.compile(r"undefined function sprintf\b"), TEMPLATE.replace("{", "{{").replace("}", "}}")),
    (re.compile(r"undefined function (\S+)"), "{0} is not on the allow-list of builtins; let Python compute the fact"),
    (re.compile(r"unexpected : token"), '"contains" forgotten? write: deny contains {{...}} if {{...}}'),
    (
        re.compile(r"(?:concat|internal\.template_string): invalid argument"),
        'a text is made of strings and numbers; a set or list is sorted and joined: concat(", ", sort(ids))',
    ),
    (re.compile(r"undefined ref: (\S+)"), "{0} is in no schema: misspelt?"),
)
_RULES = (
    (re.compile(r"undefined function"), "opa/builtin"),
    (re.compile(r"^undefined ref: input\b"), "reference/unknown-input"),
    (re.compile(r"^undefined ref: data\.bspec\.(org|build)\b"), "reference/unknown-organisation-key"),
    (re.compile(r"^undefined ref:"), "reference/undefined"),
    (re.compile(r"^import \S+ unused"), "import/unused"),
    (re.compile(r"\bvar \S+ unused"), "opa/unused-variable"),
    (re.compile(r"^empty module"), "layout/empty-file"),
)
_RULES_BY_CODE = {
    "rego_parse_error": "opa/syntax",
    "rego_type_error": "opa/types",
    "rego_unsafe_var_error": "opa/unsafe-variable",
    "rego_recursion_error": "opa/recursion",
}


class Opa:
    """One OPA binary.

    Args:
        path: the binary; its version is checked by :meth:`require_version`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()  # runs start in other folders

    def run(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path | None = None,
        stdin: bytes = b"",
        timeout_s: float = TIMEOUT_S,
        accepted: Collection[int] = (0,),
    ) -> str:
        """Standard output of one run.

        Args:
            arguments: OPA's.
            cwd: where it runs.
            stdin: what it reads.
            timeout_s: how long it may take, seconds.
            accepted: exit codes that are no refusal; ``opa test`` exits 2 when a test fails.

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
        if done.returncode not in accepted:
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
        return [_one(str(e["message"]), e) for e in errors]
    except (ValueError, KeyError, TypeError):
        return []


def _one(message: str, error: Mapping[str, object]) -> Problem:
    at, location = None, error.get("location")
    if isinstance(location, dict):
        # Of an empty file OPA says row 0, column 0: no editor has such a place.
        at = Location(str(location.get("file", "")), location.get("row") or None, location.get("col") or None)
    problem = translate(message, at, str(error.get("code", "")))
    # Every good build has its canaries refused: nobody needs to know what they mean.
    meant = _meant(error.get("details")) if at is None or CANARY not in at.file else None
    return replace(problem, hint=f'did you mean "{meant}"?') if meant else problem


def _meant(details: Any) -> str | None:
    """The nearest of the members that the schema has where a reference leaves it."""
    try:
        return nearest(str(details["ref"][details["pos"]]["value"]), map(str, details["oneOf"]))
    except (KeyError, TypeError, IndexError):
        return None


def _plain(text: str) -> list[Problem]:
    found: list[Problem] = []
    for line in text.splitlines():
        match = _LOCATED.search(line)
        if match:
            found.append(translate(match["message"], Location(match["file"], int(match["row"]))))
    return found or ([REGO_INVALID.problem(_readable(text.strip())[:2000])] if text.strip() else [])


def translate(message: str, at: Location | None, code: str = "") -> Problem:
    """A problem from one of OPA's messages, with a hint where authors are known to stumble.

    Args:
        message: OPA's.
        at: where.
        code: OPA's own code, such as ``rego_type_error``; empty if it gave none.
    """
    readable = _readable(message)
    rule = _rule_of(readable, code)
    for pattern, hint in _TRANSLATIONS:
        match = pattern.search(readable)
        if match:
            reason = FORBIDDEN_BUILTIN if "undefined function" in readable else REGO_INVALID
            return reason.problem(readable, hint=hint.format(*match.groups()), at=at, rule=rule)
    return REGO_INVALID.problem(readable, at=at, rule=rule)


def _rule_of(message: str, code: str) -> str:
    """The lint rule that a message of OPA belongs to."""
    by_message = (r for pattern, r in _RULES if pattern.search(message))
    return next(by_message, _RULES_BY_CODE.get(code, "opa/compile"))


def _readable(message: str) -> str:
    return _LOCAL.sub("_", message)
