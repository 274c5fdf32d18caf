"""Compiling a bundle's own Rego again: whether ``policy.wasm``, gate, guard and index are what it gives.

A bundle's digest says that it is the bundle that somebody meant, not that the module in it came from the Rego beside
it. Compiling is deterministic for one OPA version, so anybody who has that OPA can tell.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.bundle.build.building import compile_wasm, schemas
from bspec_opa.bundle.build.generate import generated, read_index
from bspec_opa.bundle.layout import GENERATED, INDEX, WASM
from bspec_opa.bundle.rego.capabilities import capabilities
from bspec_opa.bundle.rego.opa_tool import OPA_VERSION
from bspec_opa.bundle.rego.sources import write_tree
from bspec_opa.bundle.rego.type_check import CAPABILITIES
from bspec_opa.bundle.signing.reasons import NOT_REPRODUCED
from bspec_opa.foundation.errors import Location

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.bundle.index import Index
    from bspec_opa.bundle.read import Bundle
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.foundation.canonical import JsonObject

_SOURCES, _WORK = "sources", "work"


def reproduce(bundle: Bundle, opa: Opa) -> tuple[str, ...]:
    """Make again what a bundle holds beside its authors' files and compare byte for byte.

    Args:
        bundle: one that was read.
        opa: the binary; exactly the version that the bundle was compiled with.

    Returns:
        The names of what was made again: the schemas, gate, guard, index and ``policy.wasm``.

    Raises:
        TrustError: something differs, or the bundle was compiled by another OPA.
        InvalidInputError: OPA refuses its Rego.
        EngineError: OPA is missing or another version.
    """
    if bundle.opa_version != OPA_VERSION:
        message = f"was compiled by OPA {bundle.opa_version[:40]}, and here is {OPA_VERSION}"
        raise NOT_REPRODUCED.error(message, hint="use the bspec-opa that built it", at=Location(bundle.name))
    opa.require_version()
    with tempfile.TemporaryDirectory(prefix="bspec-opa-") as folder:
        work = Path(folder)
        write_tree(work / _SOURCES, _authored(bundle.files))
        if _said(read_index(work / _SOURCES, opa)) != _said(bundle.index):
            raise _different(bundle, INDEX)
        again = {**schemas(), **generated(bundle.index)}
        for name, data in again.items():
            _same(bundle, name, data)
        write_tree(work / _WORK, {**schemas(), CAPABILITIES: capabilities()})
        _same(bundle, WASM, compile_wasm(work / _WORK, {**_authored(bundle.files), **again}, opa))
    return (*sorted(again), INDEX, WASM)


def _said(index: Index) -> list[JsonObject]:
    """The rules as their files tell them; whose pack brought a rule is a label that no file tells."""
    return [r.to_json() | {"owner": ""} for r in index.rules]


def _authored(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {n: d for n, d in files.items() if n.endswith(".rego") and n not in GENERATED}


def _same(bundle: Bundle, name: str, data: bytes) -> None:
    if bundle.files.get(name) != data:
        raise _different(bundle, name)


def _different(bundle: Bundle, name: str) -> Exception:
    message = f"{name} is not what the bundle's Rego gives"
    return NOT_REPRODUCED.error(message, at=Location(bundle.name))
