"""Operations that a person wrote into a catalog, where no document can be imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.binding.importers.interface import NAMES_ONLY, Contract
from bspec_opa.binding.importers.mcp_tools import McpTools

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonValue


class HandWritten:
    """Names alone, in the form of every contract, with the hints that are assumed of an unknown operation."""

    name = "hand-written"

    def contract(self, value: JsonValue) -> Contract:
        """See :class:`bspec_opa.binding.importers.interface.Importer`."""
        return Contract(self.name + NAMES_ONLY, McpTools().contract(value).document)
