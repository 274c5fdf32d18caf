"""OPA's own checks, and the proof that they are live.

Type checking against the schemas is the only thing that finds ``input.intnet``. It is silently off when the schema
annotation is missing, so each run ends with a canary: policies that must be refused.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

from bspec_opa.bundle.reasons import DEAD_CHECK, FORBIDDEN_BUILTIN, REFERENCE
from bspec_opa.bundle.rego.opa_tool import CANARY
from bspec_opa.bundle.rego.sources import write_tree
from bspec_opa.foundation.errors import BspecError, error_of

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.bundle.rego.opa_tool import Opa

ALL, PACKED, SCHEMA_FOLDER, CAPABILITIES = "all", "packed", "schemas", "capabilities.json"
DECISION = "data.bspec.gate.decision"
_BASE = ("input", "data.bspec.org", "data.bspec.build")
CHECK = ("check", "--strict", "--format", "json", "--schema", SCHEMA_FOLDER)
WITHIN = ("--capabilities", CAPABILITIES)
CANARIES = {
    "input.intnet": "deny if input.intnet",
    "data.bspec.org.enviroments": "deny if data.bspec.org.enviroments",
    "data.bspec.build.revison": "deny if data.bspec.build.revison",
}
FORBIDDEN_CANARY = 'deny if http.send({"method": "get", "url": "http://localhost"})'


def check_types(work: Path, opa: Opa) -> None:
    """Type-check the work folder: everything, then what is packed under the allow-list, as files and as a bundle.

    Args:
        work: holds ``all/``, ``packed/``, ``schemas/`` and ``capabilities.json``.
        opa: the binary.

    Raises:
        InvalidInputError: OPA refuses the policies.
        EngineError: a canary was not refused.
    """
    opa.run([*CHECK, ALL], cwd=work)
    opa.run([*CHECK, *WITHIN, PACKED], cwd=work)
    prove(work, opa)


def prove(work: Path, opa: Opa) -> None:
    """What has to hold of a folder that passed the type check: as a bundle, in what it reads, and by the canaries.

    Raises:
        InvalidInputError: OPA refuses the bundle, or the decision reads what no bundle has.
        EngineError: a canary was not refused.
    """
    opa.run([*CHECK, *WITHIN, "--bundle", PACKED], cwd=work)
    _check_dependencies(work, opa)
    for misspelt, body in CANARIES.items():
        _require_refusal(work, opa, body, misspelt)
    _require_refusal(work, opa, FORBIDDEN_CANARY, FORBIDDEN_BUILTIN.code)


def _check_dependencies(work: Path, opa: Opa) -> None:
    """The whole decision reads nothing but input, organisation and build data: anything else is a name gone wrong."""
    found = json.loads(opa.run(["deps", "-f", "json", "-d", PACKED, DECISION], cwd=work))
    read = {".".join(str(part["value"]) for part in path) for path in found["base"]}
    strange = sorted(name for name in read if not any(name == b or name.startswith(f"{b}.") for b in _BASE))
    if strange:
        said = "is neither data nor defined by a policy"
        problems = [REFERENCE.problem(f"{name} {said}", rule="reference/stray") for name in strange]
        raise error_of(problems)


def _require_refusal(work: Path, opa: Opa, body: str, expected: str) -> None:
    """OPA, started exactly as for the check, must refuse the canary for the expected reason."""
    folder = work / PACKED / CANARY
    write_tree(folder, {"canary.rego": f"package bspec.rules.canary\n\n{body}\n".encode()})
    try:
        opa.run([*CHECK, *WITHIN, PACKED], cwd=work)
    except BspecError as e:
        if any(expected in p.message or expected == p.reason.code for p in e.problems):
            return
        raise
    finally:
        shutil.rmtree(folder)
    raise DEAD_CHECK.error(f"OPA accepted a canary that it must refuse: {body}")
