from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from materials import catalog, components, intent

from bspec_opa.binding.comparison import (
    catalog_entries,
    differences,
    model_differences,
    tool_differences,
    whole_tools,
)
from bspec_opa.binding.facts import withdrawn
from bspec_opa.binding.read import binding_from_json
from bspec_opa.binding.resolve import resolve
from bspec_opa.foundation.digest import digest_json, digest_of
from bspec_opa.foundation.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.binding.model import Binding
    from bspec_opa.foundation.canonical import JsonValue

NOW = parse_time("2026-06-01T12:00:00Z")
WHOLE = frozenset({"search"})


def bound(edit: Callable[[Any], object] = lambda _: None) -> Binding:
    """What resolve gives, edited by hand."""
    plain: Any = deepcopy(resolve(intent(), [catalog()], components).to_json())
    edit(plain)
    return binding_from_json(plain)


def against_the_catalog(binding: Binding) -> list[str]:
    known = catalog_entries([catalog()])
    return differences(binding, lambda used: known.get(used.digest), WHOLE)


# Member of the binding, its place (both lists are sorted), what is invented, and what is said of it.
EDITS: dict[str, tuple[Callable[[Any], object], str, str]] = {
    "a floor": (
        lambda b: b["tools"][0]["operations"][0].update(privilege_floor="none"),
        "billing_read_api",
        "tool billing_read_api: operations",
    ),
    "a publisher": (
        lambda b: b["tools"][0].update(publisher="mallory"),
        "billing_read_api",
        "tool billing_read_api: publisher",
    ),
    "trust": (lambda b: b["tools"][1].update(trusted=True), "search", "tool search: trusted"),
    "an artifact": (
        lambda b: b["tools"][0].update(artifact=[{"purl": "pkg:npm/evil@6.6.6", "digest": [digest_of(b"evil")]}]),
        "billing_read_api",
        "tool billing_read_api: artifact",
    ),
    "no artifact": (lambda b: b["tools"][0].update(artifact=[]), "billing_read_api", "tool billing_read_api: artifact"),
    "a contract": (
        lambda b: b["tools"][1].update(contract=b["tools"][0]["contract"], operations=b["tools"][0]["operations"]),
        "search",
        "tool search: contract, operations",
    ),
    "an operation less of all": (lambda b: b["tools"][1]["operations"].pop(0), "search", "tool search: operations"),
    "two parts": (
        lambda b: b["tools"][0].update(publisher="mallory", trusted=False),
        "billing_read_api",
        "tool billing_read_api: publisher, trusted",
    ),
    "immutability": (lambda b: b["models"][1].update(immutability="content"), "small", "model small: immutability"),
    "a model's digest": (lambda b: b["models"][1].update(digest=[digest_of(b"x")]), "small", "model small: digest"),
    "no preview": (lambda b: b["models"][1].update(preview=False), "small", "model small: preview"),
    "a kind": (lambda b: b["models"][1].update(kind="hf-commit"), "small", "model small: kind"),
    "a bill of materials": (lambda b: b["models"][1].update(bom=[digest_of(b"bom")]), "small", "model small: bom"),
    "a signature": (lambda b: b["models"][1].update(signature=[digest_of(b"s")]), "small", "model small: signature"),
}


def test_what_resolve_gives_has_no_differences() -> None:
    assert against_the_catalog(bound()) == []


@pytest.mark.attack("A82")
@pytest.mark.parametrize("name", EDITS)
def test_a_value_that_is_not_the_entry_s_is_named_and_counts_as_retired(name: str) -> None:
    edit, part, said = EDITS[name]
    assert against_the_catalog(bound(edit)) == [said]
    found = withdrawn(bound(edit), [catalog()], now=NOW, whole=WHOLE)
    assert [(w["id"], w["status"]) for w in found] == [(part, "retired")]


def test_fewer_operations_than_the_release_has_are_bound_where_they_are_listed() -> None:
    binding = bound(lambda b: b["tools"][0]["operations"].pop(0))
    assert against_the_catalog(binding) == []
    assert withdrawn(binding, [catalog()], now=NOW, whole=WHOLE) == []


def test_only_tools_with_every_operation_are_whole() -> None:
    assert whole_tools(intent()) == WHOLE


def test_an_entry_of_another_tool_does_not_serve() -> None:
    def swap(binding: Any) -> None:
        tools = [e for e in binding["entries"] if e["kind"] == "tool"]
        tools[0]["digest"], tools[1]["digest"] = tools[1]["digest"], tools[0]["digest"]

    found = against_the_catalog(bound(swap))
    assert [f.partition(":")[0] for f in found] == ["tool billing_read_api", "tool search"]
    assert all(f.partition(": ")[2].startswith("id, ") for f in found)


@pytest.mark.parametrize("entry", [None, 7, {}, {"kind": "component"}])
def test_what_is_no_entry_gives_nothing(entry: JsonValue) -> None:
    binding = bound()
    assert tool_differences(binding.tools[0], entry, whole=False) == ["catalog entry"]
    assert model_differences(binding.models[0], entry) == ["catalog entry"]


def test_an_entry_without_operations_gives_none() -> None:
    tool = bound().tools[0]
    entry = next(e for e in catalog_entries([catalog()]).values() if e.get("id") == tool.id and e["release"] == "2.4.0")
    assert tool_differences(tool, {**entry, "operations": {}}, whole=False) == ["operations"]


def test_entries_are_found_by_the_digest_that_a_binding_names() -> None:
    known = catalog_entries([catalog()])
    assert {e.digest for e in bound().entries} <= known.keys()
    assert {digest_json(e) for e in known.values()} == known.keys()
