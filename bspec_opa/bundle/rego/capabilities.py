"""The allow-list of builtins, as an OPA capabilities file.

Only builtins that are native in WASM, pure, and total on well-typed arguments: the same request gives the same
decision for ever, and no policy reaches a network, the clock or the environment (attack A69). ``capabilities.json``
is what :func:`capabilities_text` makes of the real OPA's own list.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bspec_opa.bundle.rego.opa_tool import Opa

_WORDS = """
    abs and array.concat array.flatten array.reverse assign base64.encode base64url.encode concat contains count
    endswith eq equal graph.reachable gt gte internal.member_2 internal.member_3 internal.template_string intersection
    is_array is_boolean is_null is_number is_object is_set is_string json.filter json.remove lower lt lte max min minus
    mul neq object.filter object.get object.keys object.remove object.union or plus sort split startswith
    strings.reverse sum trim trim_left trim_prefix trim_right trim_space trim_suffix type_name union upper walk
"""
ALLOWED = frozenset(_WORDS.split())
# Rego orders all types: "later" > 5 is true. With numeric arguments such a comparison doesn't compile.
NUMERIC = frozenset({"gt", "gte", "lt", "lte"})
WITHHELD = ("http.send", "net.lookup_ip_addr", "opa.runtime")
"""Builtins that reach a network or the process: conftest policies and lint rules don't get them, either."""
FEATURES = ("keywords_in_refs", "rego_v1", "template_strings")
FILE = Path(__file__).with_name("capabilities.json")


def capabilities_text(opa: Opa) -> str:
    """The capabilities file, made from OPA's own.

    Raises:
        EngineError: OPA lacks a builtin or feature of the allow-list.
    """
    current: dict[str, Any] = json.loads(opa.run(["capabilities", "--current"]))
    builtins = [_narrowed(b) for b in current["builtins"] if b["name"] in ALLOWED]
    document = {
        "builtins": sorted(builtins, key=lambda b: str(b["name"])),
        "features": [f for f in FEATURES if f in current["features"]],
        "allow_net": [],
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _narrowed(builtin: dict[str, Any]) -> dict[str, Any]:
    """Name, types and form of a builtin; comparisons take numbers only.

    ``relation`` says that ``walk`` has many results. Without it the compiler to WebAssembly takes all of them for one,
    silently, while a server goes by its own list.
    """
    kept = {k: _bare(v) for k, v in builtin.items() if k in {"name", "decl", "infix", "relation"}}
    if builtin["name"] in NUMERIC:
        kept["decl"]["args"] = [{"type": "number"}, {"type": "number"}]
    return kept


def _bare(value: Any) -> Any:
    """Types without the names and descriptions that people read."""
    if isinstance(value, dict):
        return {k: _bare(v) for k, v in value.items() if k not in {"description", "name"}}
    return [_bare(v) for v in value] if isinstance(value, list) else value


def capabilities() -> bytes:
    """The published file."""
    return FILE.read_bytes()
