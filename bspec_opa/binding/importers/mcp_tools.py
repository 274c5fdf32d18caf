"""The answer of an MCP server to ``tools/list``.

Kept are name, description, input and output schema and the four hints, with the protocol's defaults. Titles,
icons and ``_meta`` are decoration and dropped, so that they change no digest.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from bspec_opa.binding.importers.interface import NAMES_ONLY, Contract, Hints
from bspec_opa.binding.reasons import BAD_IMPORT, DUPLICATE_TOOL, EMPTY_IMPORT, INCOMPLETE_IMPORT
from bspec_opa.foundation.limits import MAX_NAME

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject, JsonValue

OPERATION_PATTERN = "^[A-Za-z0-9_./$][!-)+-~]*( [!-)+-~]+)*$"
"""Names of operations as an intent can declare them: printable ASCII, so that no two look alike (attack A37)."""
_OPERATION = re.compile(OPERATION_PATTERN)
_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
_SCHEMAS = ("inputSchema", "outputSchema")


class McpTools:
    """Importer of tool lists: a ``tools/list`` result, the JSON-RPC answer around it, or the bare array."""

    name = "mcp-tools"

    def contract(self, value: JsonValue) -> Contract:
        """See :class:`bspec_opa.binding.importers.interface.Importer`."""
        listed = _listed(value)
        if not listed:
            raise EMPTY_IMPORT.error("the tool list is empty", hint="import the list that the server really serves")
        tools = sorted((_tool(t, i) for i, t in enumerate(listed)), key=lambda t: str(t["name"]))
        for first, second in pairwise(tools):
            if first["name"] == second["name"]:
                raise DUPLICATE_TOOL.error(f'tool "{first["name"]}" is listed twice')
        described = all("inputSchema" in t for t in tools)
        return Contract(self.name if described else self.name + NAMES_ONLY, {"tools": [*tools]})


def _listed(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict) and "jsonrpc" in value:
        if "result" not in value:
            raise BAD_IMPORT.error("a JSON-RPC message without result", hint="save the answer to tools/list")
        value = value["result"]
    if isinstance(value, dict):
        if "nextCursor" in value:
            raise INCOMPLETE_IMPORT.error("nextCursor: this is one page of several", hint="save all pages joined")
        value = value.get("tools")
    if not isinstance(value, list):
        raise BAD_IMPORT.error("no list of tools", hint='expected {"tools": […]}, a JSON-RPC answer or an array')
    return value


def _tool(value: JsonValue, index: int) -> JsonObject:
    if not isinstance(value, dict):
        raise BAD_IMPORT.error(f"tools[{index}] is not an object")
    name = value.get("name")
    if not isinstance(name, str) or not name:
        raise BAD_IMPORT.error(f"tools[{index}] has no name", hint="ask the publisher for the complete list")
    if len(name) > MAX_NAME or not _OPERATION.fullmatch(name):
        raise BAD_IMPORT.error(
            f"tools[{index}] has a name that is too long or not plain ASCII",
            hint="such names can be mistaken for each other; ask the publisher to rename the tool",
        )
    description = value.get("description", "")
    if not isinstance(description, str):
        raise BAD_IMPORT.error(f'tool "{name}": description is not a string')
    kept: JsonObject = {"name": name, "description": description, "annotations": _hints(value, name)}
    for member in _SCHEMAS:
        if member in value:
            if not isinstance(value[member], dict):
                raise BAD_IMPORT.error(f'tool "{name}": {member} is not an object')
            kept[member] = value[member]
    return kept


def _hints(tool: JsonObject, name: str) -> JsonObject:
    annotations = tool.get("annotations", {})
    if not isinstance(annotations, dict):
        raise BAD_IMPORT.error(f'tool "{name}": annotations is not an object')
    for hint in _HINTS:
        if not isinstance(annotations.get(hint, False), bool):
            raise BAD_IMPORT.error(f'tool "{name}": {hint} is neither true nor false')
    return Hints.of(annotations).to_json()
