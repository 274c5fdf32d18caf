"""Asking a real OPA to explain rules: with nothing to reach and an empty environment."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.bundle.reasons import OPA_FAILED
from bspec_opa.bundle.rego.capabilities import capabilities
from bspec_opa.bundle.rego.opa_tool import OPA_VERSION
from bspec_opa.engine.private_place import private_place
from bspec_opa.engine.toolchain import find_opa
from bspec_opa.engine.wire import wire_json
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.limits import MIB
from bspec_opa.workflow.checkout.deciding import untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.workflow.checkout.deciding import Policy

TIMEOUT_S = 10.0
"""For one run; the library takes OPA less than a second."""
MEMORY_BYTES = 1024 * MIB
TRACE_BYTES = 64 * MIB
"""Of one run; all rules that are pending at first make some 5 MiB."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An OPA with a bundle at hand.

    Attributes:
        opa: the program; None where there is none, and ``why`` says what to do.
        folder: holds the bundle and the capabilities.
        why: one line.
        trace_bytes: the largest trace of one run.
    """

    opa: Path | None
    folder: Path
    why: str = ""
    trace_bytes: int = TRACE_BYTES

    @property
    def version(self) -> str:
        """Whose explanation it is; empty without an OPA."""
        return OPA_VERSION if self.opa else ""

    def trace(self, sets: Sequence[tuple[str, str]], request: JsonObject) -> list[dict[str, Any]]:
        """The trace of these sets, each a rule's id and ``deny`` or ``warn``; empty without an OPA, or without a set.

        Raises:
            EngineError: OPA fails, or the trace takes too much time, memory or room.
        """
        if self.opa is None or not sets:
            return []
        # The bundle's name is relative and OPA runs beside it, so that files are called what they are in the bundle.
        options = ["--bundle", _BUNDLE, "--capabilities", _CAPABILITIES, "--explain", "full", "--format", "json"]
        query = "; ".join(f"x{n} := [v | v := {_path(rule)}.{kind}]" for n, (rule, kind) in enumerate(sets))
        arguments = ["eval", *options, "--strict-builtin-errors", "-I", query]
        out = _bounded([str(self.opa), *arguments], self.folder, request, self.trace_bytes)
        return cast("list[dict[str, Any]]", json.loads(out).get("explanation") or [])


def _bounded(command: Sequence[str], folder: Path, request: JsonObject, trace_bytes: int) -> bytes:
    """What OPA prints. A trace holds every variable of every step: it may grow with the square of an intent."""
    target = folder / _TRACE
    try:
        with target.open("wb") as out:
            done = subprocess.run(
                command,
                cwd=folder,
                env={},
                input=wire_json(request),
                stdout=out,
                stderr=subprocess.PIPE,
                timeout=TIMEOUT_S,
                check=False,
                preexec_fn=partial(_limit, trace_bytes),
            )
    except subprocess.TimeoutExpired as e:
        raise OPA_FAILED.error(f"OPA's explanation takes longer than {TIMEOUT_S:g} s") from e
    except OSError as e:
        raise OPA_FAILED.error(f"{command[0]} can't be started: {e.strerror}") from e
    if done.returncode:
        said = _said(target.read_bytes(), done.stderr)
        raise OPA_FAILED.error(f"OPA's explanation is too large, or OPA failed{': ' if said else ''}{said}")
    return target.read_bytes()


def _said(out: bytes, errors: bytes) -> str:
    """OPA's first complaint, wherever it prints it."""
    try:
        return str(json.loads(out)["errors"][0]["message"])[:200]
    except (ValueError, KeyError, TypeError, IndexError):
        return errors.decode("utf-8", "replace").strip().partition("\n")[0][:200]


def _limit(trace_bytes: int) -> None:
    """In the child: so much memory (on Linux), and so much output; more is its end."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (trace_bytes, trace_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


def _path(rule: str) -> str:
    return "data.bspec.rules" + "".join(f'["{part}"]' for part in rule.split("."))


_BUNDLE, _CAPABILITIES, _TRACE = "bundle.tar.gz", "capabilities.json", "trace.json"


@contextmanager
def open_interpreter(policy: Policy, environ: Mapping[str, str], place: Path) -> Iterator[Interpreter]:
    """The OPA of this machine, if there is one of the version that bundles are built with.

    Never a program that lies in the checkout that is judged (attack A75). The bundle is checked against the list of
    builtins before a rule of it runs, so none reaches a network (attack A69).
    """
    with tempfile.TemporaryDirectory(prefix="bspec-opa-", dir=private_place(environ)) as name:
        folder = Path(name)
        try:
            opa = find_opa(environ, None, untrusted=[untrusted(place, environ)])
        except BspecError as e:
            yield Interpreter(None, folder, str(e.problems[0]))
            return
        (folder / _BUNDLE).write_bytes(policy.archive)
        (folder / _CAPABILITIES).write_bytes(capabilities())
        yield Interpreter(opa.absolute(), folder)
