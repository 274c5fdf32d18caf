"""What a policy sees of a binding, and what catalogs have withdrawn of it since. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bspec_opa.binding.comparison import model_differences, tool_differences
from bspec_opa.binding.contract_text import suspicions
from bspec_opa.binding.entries import ACTIVE
from bspec_opa.binding.importers.interface import NAMES_ONLY
from bspec_opa.binding.model import listed as optional
from bspec_opa.intent.ranges import parse_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.binding.entries import Catalog
    from bspec_opa.binding.model import Artifact, Binding, BoundModel, BoundTool
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.intent.load import LoadedIntent

_PURL_DIGEST = re.compile(r"@sha256(?::|%3[aA])([0-9a-f]{64})(?![0-9a-zA-Z])")
_WORST_FIRST = ("yanked", "retired", "deprecated", ACTIVE)


def binding_input(binding: Binding, loaded: LoadedIntent) -> JsonObject:
    """``binding`` of ``bspec.input/v1``: without contract documents, with ``in_range`` by the intent as it is now."""
    ranges = {t.id: parse_range(t.version) for t in loaded.intent.tools}
    return {
        "digest": binding.digest,
        "models": [_model(m) for m in binding.models],
        "tools": [_tool(t, in_range=t.id in ranges and ranges[t.id].contains(t.release)) for t in binding.tools],
        "components": [c.to_json() for c in binding.components],
    }


def _model(model: BoundModel) -> JsonValue:
    return {
        "class": model.class_,
        "provider": model.provider,
        "identity": model.identity,
        "kind": model.kind,
        "preview": model.preview,
        "immutability": model.immutability,
        "digest": optional(model.digest),
        "region": optional(model.region),
        "bom": optional(model.bom),
        "signature": optional(model.signature),
    }


def _tool(tool: BoundTool, *, in_range: bool) -> JsonValue:
    return {
        "id": tool.id,
        "publisher": tool.publisher,
        "trusted": tool.trusted,
        "release": tool.release,
        "in_range": in_range,
        "artifact": [{"purl": tool.artifact.purl, "digest": _content(tool.artifact)}] if tool.artifact else [],
        "contract": {
            "kind": tool.contract.kind,
            "digest": tool.contract.digest,
            "described": not tool.contract.kind.endswith(NAMES_ONLY),
            "suspicions": [*suspicions(tool.contract)],
        },
        "operations": [{"name": o.name, "privilege_floor": o.privilege_floor} for o in tool.operations],
    }


def _content(artifact: Artifact) -> list[JsonValue]:
    """The digest of what is installed: the registry's, or the one that a package URL has for its version."""
    named = _PURL_DIGEST.search(artifact.purl)
    return optional(artifact.digest or (f"sha256:{named[1]}" if named else None))


def withdrawn(
    binding: Binding, catalogs: Sequence[Catalog], *, now: int, whole: frozenset[str] = frozenset()
) -> list[JsonObject]:
    """What the catalogs say against what is bound, without resolving anything again (attack A82).

    Args:
        binding: what was approved.
        catalogs: as they are now.
        now: Unix seconds, for the day on which a provider stops a model.
        whole: tools of which every operation must be bound.

    Returns:
        ``{kind, id, release, status}`` of each bound release and identity that is not active any more. One that is
        not in the catalogs any more, or not as it was when it was bound, or not bound as the catalogs have it,
        counts as retired. Tools first, by id.
    """
    entries = {(e.kind, e.id): e.digest for e in binding.entries}
    found: list[JsonObject] = []
    for tool in binding.tools:
        statuses = _tool_statuses(tool, catalogs, entries["tool", tool.id], whole=tool.id in whole)
        found += _withdrawal("tool", tool.id, tool.release, [*statuses])
    for model in binding.models:
        statuses = _model_statuses(model, catalogs, entries["model", model.class_], now)
        found += _withdrawal("model", model.class_, model.identity, [*statuses])
    return found


def _withdrawal(kind: str, name: str, release: str, statuses: list[str]) -> list[JsonObject]:
    status = min(statuses, key=_WORST_FIRST.index, default="retired")
    return [] if status == ACTIVE else [{"kind": kind, "id": name, "release": release, "status": status}]


def _tool_statuses(tool: BoundTool, catalogs: Sequence[Catalog], entry: str, *, whole: bool) -> Iterator[str]:
    for known in (t for c in catalogs for t in c.tools if t.id == tool.id):
        for release in (r for r in known.releases if r.version == tool.release):
            different = tool_differences(tool, known.entry_json(release), whole=whole)
            yield _status(release.status, same=known.entry_digest(release) == entry and not different)


def _model_statuses(model: BoundModel, catalogs: Sequence[Catalog], entry: str, now: int) -> Iterator[str]:
    bound = (model.class_, model.provider, model.identity, model.region)
    for known in (m for c in catalogs for m in c.models if (m.class_, m.provider, m.id, m.region) == bound):
        stopped = known.retires_unix is not None and known.retires_unix <= now
        same = known.entry_digest() == entry and not model_differences(model, known.entry_json())
        yield _status("retired" if stopped and known.status != "yanked" else known.status, same=same)


def _status(status: str, *, same: bool) -> str:
    return status if same or status == "yanked" else "retired"
