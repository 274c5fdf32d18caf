from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from materials import catalog, components, intent

from bspec_opa.binding.read import binding_from_json, load_binding
from bspec_opa.binding.resolve import resolve
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import digest_json
from bspec_opa.foundation.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.foundation.canonical import JsonObject, JsonValue

BINDING = resolve(intent(), [catalog()], components)


def document() -> dict[str, Any]:
    return copy.deepcopy(BINDING.to_json())


def refused(value: JsonValue) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInputError) as caught:
        binding_from_json(value)
    return [(p.reason.code, p.message) for p in caught.value.problems]


def test_what_was_written_is_read() -> None:
    assert binding_from_json(BINDING.to_json()) == BINDING
    assert load_binding(canonical_bytes(BINDING.to_json()), "binding.json") == BINDING
    assert BINDING.digest == digest_json(BINDING.to_json())


def test_an_agent_without_tools_and_components_is_read() -> None:
    value = document() | {"tools": [], "components": [], "entries": document()["entries"][:2]}
    assert binding_from_json(value).to_json() == value


@pytest.mark.parametrize("value", [None, [], "x", {}, {"tools": 7}, {"tools": [7]}, {"tools": [{"contract": 7}]}])
def test_another_shape_is_refused(value: JsonValue) -> None:
    assert {code for code, _ in refused(value)} == {"binding.bad-shape"}


def test_problems_are_located_in_a_file() -> None:
    text = json.dumps(document(), indent=1).replace('"provider": "other"', '"provder": "other"')
    with pytest.raises(InvalidInputError) as caught:
        load_binding(text.encode(), "binding.json")
    line = 1 + text[: text.index('"provder"')].count("\n")
    assert [str(p) for p in caught.value.problems][-1] == (
        f'binding.json:{line}:4: models[1].provder: unknown member "provder"; did you mean "provider"?'
    )
    text = json.dumps(document(), indent=1).replace('"small-2"', '"latest"')
    with pytest.raises(InvalidInputError) as caught:
        load_binding(text.encode(), "binding.json")
    line = 1 + text[: text.index('"latest"')].count("\n")
    assert str(caught.value) == (
        f"binding.json:{line}:16: models[1].identity: may point to something else tomorrow; "
        "make it again with bspec-opa resolve"
    )


def _unsort(value: dict[str, Any]) -> None:
    value["tools"].reverse()


def _twice(member: str) -> Callable[[dict[str, Any]], None]:
    def change(value: dict[str, Any]) -> None:
        value[member].append(copy.deepcopy(value[member][-1]))

    return change


def _operation_twice(value: dict[str, Any]) -> None:
    value["tools"][0]["operations"].append(value["tools"][0]["operations"][-1])


def _unknown_operation(value: dict[str, Any]) -> None:
    value["tools"][0]["operations"][0]["name"] = "drop_invoices"


def _other_hints(value: dict[str, Any]) -> None:
    value["tools"][0]["operations"][0]["hints"]["destructiveHint"] = False


def _unknown_kind(value: dict[str, Any]) -> None:
    value["tools"][0]["contract"]["kind"] = "magic"


def _other_kind(value: dict[str, Any]) -> None:
    value["tools"][0]["contract"]["kind"] = "mcp-tools/names-only"


def _no_document(value: dict[str, Any]) -> None:
    del value["tools"][0]["contract"]["document"]


def _empty_document(value: dict[str, Any]) -> None:
    contract = value["tools"][0]["contract"]
    contract["document"] = {"tools": []}
    contract["digest"] = digest_json(contract["document"])


def _decorated_document(value: dict[str, Any]) -> None:
    contract = value["tools"][0]["contract"]
    contract["document"]["tools"][0]["title"] = "hidden"
    contract["digest"] = digest_json(contract["document"])


def _no_entry(value: dict[str, Any]) -> None:
    value["entries"].pop()


def _foreign_entry(value: dict[str, Any]) -> None:
    value["entries"][0]["id"] = "other"


def _latest(value: dict[str, Any]) -> None:
    value["tools"][0]["release"] = "latest"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_unsort, "its lists are not in order"),
        (_twice("models"), 'models: "small" is bound 2 times'),
        (_twice("tools"), 'tools: "search" is bound 2 times'),
        (_twice("components"), 'components: "system-prompt" is bound 2 times'),
        (_twice("entries"), "entries: are not exactly those of the tools and models"),
        (_no_entry, "entries: are not exactly those of the tools and models"),
        (_foreign_entry, "entries: are not exactly those of the tools and models"),
        (_operation_twice, "tools[0].operations: an operation is listed twice"),
        (_unknown_operation, "tools[0].operations[0]: is not what the contract says"),
        (_other_hints, "tools[0].operations[0]: is not what the contract says"),
        (_unknown_kind, "tools[0].contract: is none that an importer makes"),
        (_other_kind, "tools[0].contract: is none that an importer makes"),
        (_no_document, "tools[0].contract: is none that an importer makes"),
        (_empty_document, "tools[0].contract: is none that an importer makes"),
        (_decorated_document, "tools[0].contract: is none that an importer makes"),
        (_latest, "tools[0].release: may point to something else tomorrow"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(change: Callable[[dict[str, Any]], None], message: str) -> None:
    value = document()
    change(value)
    assert ("binding.bad-shape", message) in refused(value)


@pytest.mark.attack("A82")
def test_a_contract_under_another_ones_digest_is_refused() -> None:
    value = document()
    value["tools"][0]["contract"]["document"]["tools"][0]["description"] = "Sends it to mallory."
    assert refused(value) == [
        ("binding.contract-digest", "tools[0].contract.digest: is not the digest of the contract's document")
    ]


def test_reading_changes_nothing_it_is_given() -> None:
    value = document()
    binding_from_json(value)
    assert value == BINDING.to_json()


@pytest.mark.parametrize("member", ["models", "tools", "components", "entries"])
def test_every_member_is_in_the_digest(member: str) -> None:
    value: JsonObject = document()
    parts = value[member]
    assert isinstance(parts, list)
    parts.pop()
    assert digest_json(value) != BINDING.digest
