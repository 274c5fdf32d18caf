from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from materials import TOOLS

from bspec_opa.binding.importers.interface import Contract, Hints, default_floor
from bspec_opa.binding.importers.mcp_tools import McpTools
from bspec_opa.binding.importers.registry import HAND_WRITTEN, IMPORTERS, importer_of
from bspec_opa.foundation.errors import InvalidInputError

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject, JsonValue


def contract(value: JsonValue) -> Contract:
    return McpTools().contract(value)


def tool(name: JsonValue = "a", **members: JsonValue) -> JsonObject:
    return {"name": name, "inputSchema": {"type": "object"}, **members}


DEFAULTS: JsonObject = {
    "readOnlyHint": False,
    "destructiveHint": True,
    "idempotentHint": False,
    "openWorldHint": True,
}


def test_what_is_kept_is_sorted_and_hints_are_filled() -> None:
    found = contract(TOOLS)
    assert found.kind == "mcp-tools"
    assert found.document == {
        "tools": [
            {
                "name": "export_invoices",
                "description": "",
                "inputSchema": {"type": "object"},
                "annotations": {**DEFAULTS, "readOnlyHint": True},
            },
            {
                "name": "get_invoice",
                "description": "",
                "inputSchema": {"type": "object"},
                "annotations": {**DEFAULTS, "readOnlyHint": True},
            },
            {
                "name": "list_invoices",
                "description": "Lists invoices.",
                "inputSchema": {"type": "object", "properties": {"customer": {"type": "string"}}},
                "annotations": {**DEFAULTS, "readOnlyHint": True, "openWorldHint": False},
            },
        ]
    }


@pytest.mark.parametrize(
    "value",
    [
        [tool("b"), tool("a")],
        {"tools": [tool("a"), tool("b")]},
        {"jsonrpc": "2.0", "id": 1, "result": {"tools": [tool("a"), tool("b")], "_meta": {}}},
        {"tools": [tool("a", title="A", icons=[{"src": "x"}], _meta={"y": 1}), tool("b", execution={})]},
        {"tools": [tool("a", annotations={"title": "A", "destructiveHint": True}), tool("b", description="")]},
    ],
)
def test_every_form_and_decoration_gives_the_same_digest(value: JsonValue) -> None:
    assert contract(value).digest == contract([tool("a"), tool("b")]).digest


@pytest.mark.parametrize(
    "other",
    [
        tool("a", description="Sends the data to mallory."),
        tool("a", inputSchema={"type": "object", "properties": {"to": {}}}),
        tool("a", outputSchema={"type": "object"}),
        tool("a", annotations={"readOnlyHint": True}),
        tool("b"),
    ],
)
def test_whatever_an_agent_is_told_changes_the_digest(other: JsonObject) -> None:
    assert contract([other]).digest != contract([tool("a")]).digest


def test_without_an_input_schema_only_the_names_are_known() -> None:
    found = contract([tool("a"), {"name": "b", "description": "Lists.", "arguments": []}])
    assert found.kind == "mcp-tools/names-only"
    assert found.hints == {"a": Hints(), "b": Hints()}


@pytest.mark.attack("A41")
@pytest.mark.parametrize("value", [[], {"tools": []}, {"jsonrpc": "2.0", "result": {"tools": []}}])
def test_an_empty_list_is_refused(value: JsonValue) -> None:
    with pytest.raises(InvalidInputError) as caught:
        contract(value)
    assert caught.value.code == "import.no-tools"


@pytest.mark.parametrize(
    "value",
    [
        {"tools": [tool()], "nextCursor": "2"},
        {"tools": [tool()], "nextCursor": None},
        {"jsonrpc": "2.0", "result": {"tools": [tool()], "nextCursor": ""}},
    ],
)
def test_a_page_of_several_is_refused(value: JsonValue) -> None:
    with pytest.raises(InvalidInputError) as caught:
        contract(value)
    assert caught.value.code == "import.incomplete"


def test_a_tool_listed_twice_is_refused() -> None:
    with pytest.raises(InvalidInputError, match='"a" is listed twice') as caught:
        contract([tool("a"), tool("b"), tool("a", description="other")])
    assert caught.value.code == "import.duplicate-tool"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "no list of tools"),
        ("tools", "no list of tools"),
        ({"tools": {}}, "no list of tools"),
        ({}, "no list of tools"),
        (tool(), "no list of tools"),
        ({"jsonrpc": "2.0", "error": {"code": 1}}, "without result"),
        ([tool(), 7], r"tools\[1\] is not an object"),
        ([tool(), {"title": "x"}], r"tools\[1\] has no name"),
        ([tool("")], "has no name"),
        ([tool(7)], "has no name"),
        ([tool("x" * 201)], "too long"),
        ([tool(description=7)], 'tool "a": description is not a string'),
        ([tool(inputSchema=None)], 'tool "a": inputSchema is not an object'),
        ([tool(outputSchema=[])], 'tool "a": outputSchema is not an object'),
        ([tool(annotations=[])], 'tool "a": annotations is not an object'),
        ([tool(annotations={"readOnlyHint": 1})], 'tool "a": readOnlyHint is neither true nor false'),
        ([tool(annotations={"openWorldHint": None})], 'tool "a": openWorldHint is neither true nor false'),
    ],
)
def test_another_form_is_refused(value: JsonValue, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        contract(value)
    assert caught.value.code == "import.bad-document"


@pytest.mark.attack("A37")
@pytest.mark.parametrize(
    "name", ["list_invoic\u0435s", "caf\u00e9", "cafe\u0301", "a\u200bb", "a\u202eb", "a\nb", "*", " a"]
)
def test_names_that_look_like_others_are_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="not plain ASCII") as caught:
        contract([tool(name)])
    assert caught.value.code == "import.bad-document"


tools = st.builds(
    lambda name, description, hints, schema: {
        "name": name,
        "description": description,
        "annotations": hints,
        **schema,
    },
    st.from_regex(r"[a-z][a-z_.]{0,6}", fullmatch=True),
    st.text(max_size=5),
    st.dictionaries(st.sampled_from(["readOnlyHint", "destructiveHint", "idempotentHint"]), st.booleans()),
    st.dictionaries(st.sampled_from(["inputSchema", "outputSchema"]), st.just({"type": "object"})),
)


@given(st.lists(tools, min_size=1, max_size=5, unique_by=lambda t: str(t["name"])))
def test_a_contract_imports_to_itself(listed: list[JsonValue]) -> None:
    found = contract(listed)
    assert contract(found.document) == found


@pytest.mark.parametrize(
    ("read_only", "trusted", "floor"),
    [(True, True, "read"), (True, False, "write"), (False, True, "write"), (False, False, "write")],
)
def test_hints_lower_the_floor_for_a_trusted_publisher_only(read_only: bool, trusted: bool, floor: str) -> None:
    assert default_floor(Hints(read_only=read_only), trusted=trusted) == floor


def test_importers_are_found_by_the_kind_of_their_contracts() -> None:
    assert {k: importer_of(k) for k in ("mcp-tools", "mcp-tools/names-only", "hand-written/names-only", "x")} == {
        "mcp-tools": IMPORTERS["mcp-tools"],
        "mcp-tools/names-only": IMPORTERS["mcp-tools"],
        "hand-written/names-only": HAND_WRITTEN,
        "x": None,
    }
    assert sorted(IMPORTERS) == ["mcp-tools"]
