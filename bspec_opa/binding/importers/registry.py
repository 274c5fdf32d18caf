"""The importers by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.binding.importers.hand_written import HandWritten
from bspec_opa.binding.importers.interface import NAMES_ONLY
from bspec_opa.binding.importers.mcp_tools import McpTools

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.binding.importers.interface import Importer

IMPORTERS: Mapping[str, Importer] = {i.name: i for i in (McpTools(),)}
"""Those that a catalog may name."""
HAND_WRITTEN = HandWritten()
_ALL: Mapping[str, Importer] = {**IMPORTERS, HAND_WRITTEN.name: HAND_WRITTEN}


def importer_of(kind: str) -> Importer | None:
    """The importer that makes contracts of a kind, if there is one."""
    return _ALL.get(kind.removesuffix(NAMES_ONLY))
