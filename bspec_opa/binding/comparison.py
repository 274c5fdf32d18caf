"""Whether a binding says what the catalog entries say that it was resolved from. Pure.

A binding is a file in a checkout. The digest of an entry in it is worth nothing unless every bound value is the
entry's: floors, publisher, trust, artifact, and what fixes a model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.digest import digest_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bspec_opa.binding.entries import Catalog
    from bspec_opa.binding.model import Binding, BoundModel, BoundTool, UsedEntry
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.intent.load import LoadedIntent

ANY = "*"
ENTRY = "catalog entry"


def whole_tools(loaded: LoadedIntent) -> frozenset[str]:
    """The tools of which the intent declares every operation, so that all of them must be bound."""
    return frozenset(t.id for t in loaded.intent.tools if ANY in t.operations)


def tool_differences(tool: BoundTool, entry: JsonValue, *, whole: bool) -> list[str]:
    """The parts of a bound tool that its catalog entry does not give.

    Args:
        tool: what is bound.
        entry: :meth:`~bspec_opa.binding.entries.ToolEntry.entry_json`, or whatever is there instead.
        whole: whether every operation of the release must be bound.
    """
    if not isinstance(entry, dict) or entry.get("kind") != "tool":
        return [ENTRY]
    bound: JsonObject = tool.to_json()
    bound["contract"] = {"kind": tool.contract.kind, "digest": tool.contract.digest}
    parts = ("id", "publisher", "trusted", "release", "artifact", "contract")
    different = [p for p in parts if entry.get(p) != bound[p]]
    if not _operations_given(bound["operations"], entry.get("operations"), whole=whole):
        different.append("operations")
    return different


def _operations_given(bound: JsonValue, reviewed: JsonValue, *, whole: bool) -> bool:
    if not isinstance(bound, list) or not isinstance(reviewed, list):
        return False
    return bound == reviewed if whole else all(o in reviewed for o in bound)


def model_differences(model: BoundModel, entry: JsonValue) -> list[str]:
    """The parts of a bound model that its catalog entry does not give; see :func:`tool_differences`."""
    reviewed = entry.get("entry") if isinstance(entry, dict) and entry.get("kind") == "model" else None
    if not isinstance(reviewed, dict):
        return [ENTRY]
    bound = model.to_json()
    return sorted(p for p in bound.keys() | reviewed.keys() if bound.get(p) != reviewed.get(p))


def differences(
    binding: Binding, read_entry: Callable[[UsedEntry], JsonValue], whole: frozenset[str] = frozenset()
) -> list[str]:
    """Everything bound that the used entries do not give, such as ``tool search: publisher, operations``.

    Args:
        binding: what is bound.
        read_entry: gives an entry by what the binding says of it; None if there is none.
        whole: see :func:`whole_tools`.
    """
    entries = {(e.kind, e.id): read_entry(e) for e in binding.entries}
    found = {f"tool {t.id}": tool_differences(t, entries["tool", t.id], whole=t.id in whole) for t in binding.tools}
    found |= {f"model {m.class_}": model_differences(m, entries["model", m.class_]) for m in binding.models}
    return [f"{what}: {', '.join(parts)}" for what, parts in found.items() if parts]


def catalog_entries(catalogs: Sequence[Catalog]) -> dict[Digest, JsonObject]:
    """Every entry of the catalogs by its digest."""
    return {digest_json(entry): entry for catalog in catalogs for entry in _entries(catalog)}


def _entries(catalog: Catalog) -> Iterator[JsonObject]:
    for tool in catalog.tools:
        for release in tool.releases:
            yield tool.entry_json(release)
    for model in catalog.models:
        yield model.entry_json()
