"""Asking a real OPA to explain rules: one run, with nothing to reach and an empty environment."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.bundle.rego.capabilities import capabilities
from bspec_opa.bundle.rego.opa_tool import OPA_VERSION, Opa
from bspec_opa.engine.private_place import private_place
from bspec_opa.engine.toolchain import find_opa
from bspec_opa.engine.wire import wire_json
from bspec_opa.foundation.errors import BspecError
from bspec_opa.workflow.checkout.deciding import untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.workflow.checkout.deciding import Policy

TIMEOUT_S = 60.0
"""For all rules together; the library takes OPA less than a second."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An OPA with a bundle at hand.

    Attributes:
        opa: the program; None where there is none, and ``why`` says what to do.
        folder: holds the bundle and the capabilities.
        why: one line.
    """

    opa: Opa | None
    folder: Path
    why: str = ""

    @property
    def version(self) -> str:
        """Whose explanation it is; empty without an OPA."""
        return OPA_VERSION if self.opa else ""

    def trace(self, sets: Sequence[tuple[str, str]], request: JsonObject) -> list[dict[str, Any]]:
        """The trace of these sets, each a rule's id and ``deny`` or ``warn``; empty without an OPA, or without a set.

        Raises:
            EngineError: OPA fails or takes too long.
            InvalidInputError: OPA refuses the bundle.
        """
        if self.opa is None or not sets:
            return []
        # The bundle's name is relative and OPA runs beside it, so that files are called what they are in the bundle.
        options = ["--bundle", _BUNDLE, "--capabilities", _CAPABILITIES, "--explain", "full", "--format", "json"]
        query = "; ".join(f"x{n} := [v | v := {_path(rule)}.{kind}]" for n, (rule, kind) in enumerate(sets))
        arguments = ["eval", *options, "--strict-builtin-errors", "--stdin-input", query]
        out = self.opa.run(arguments, cwd=self.folder, stdin=wire_json(request), timeout_s=TIMEOUT_S)
        return cast("list[dict[str, Any]]", json.loads(out).get("explanation") or [])


def _path(rule: str) -> str:
    return "data.bspec.rules" + "".join(f'["{part}"]' for part in rule.split("."))


_BUNDLE, _CAPABILITIES = "bundle.tar.gz", "capabilities.json"


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
        yield Interpreter(Opa(opa), folder)
