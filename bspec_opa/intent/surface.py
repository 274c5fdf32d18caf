"""The capability surface: what an agent is able to do, and nothing else, in one form. Pure.

Defaults are filled, sets are sorted by code point, lists of objects by id. Not in it: metadata, risk, ``x-…`` and
the promotion rules but for their constraint overlays. Its digest is what evaluation evidence is bound to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.intent.vocabulary import PRIVILEGES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.intent.model import Component, ConstraintsOverlay, Intent, ModelClass, Part, ScopeItem, Tool


def surface_of(intent: Intent) -> JsonObject:
    """The capability surface of an intent."""
    overlays: JsonObject = {
        environment: {"constraints": overlay}
        for environment, rules in sorted(intent.promotion.items())
        if rules.constraints is not None and (overlay := overlay_of(rules.constraints))
    }
    return {
        "purpose": intent.purpose,
        "scope": {"in": _by_id(map(_scope_item, intent.scope.in_)), "out": _by_id(map(_scope_item, intent.scope.out))},
        "tools": _by_id(map(_tool, intent.tools)),
        "models": {"routing": intent.models.routing, "classes": _by_id(map(_model_class, intent.models.classes))},
        "components": _by_id(map(_component, intent.components)),
        "constraints": _plain(intent.constraints),
        "promotion": overlays,
    }


def reversibility_of(tool: Tool) -> str:
    """How far what a tool does can be undone; if it isn't declared it follows from the privilege."""
    if tool.reversibility is not None:
        return tool.reversibility
    return "read-only" if PRIVILEGES.index(tool.privilege) <= PRIVILEGES.index("read") else "irreversible"


def overlay_of(overlay: ConstraintsOverlay) -> JsonObject:
    """What an overlay names, with sorted sets; groups that name nothing are left out."""
    return {name: value for name, value in _plain(overlay).items() if value != {}}


def merged(constraints: JsonObject, overlay: JsonObject) -> JsonObject:
    """Constraints with an overlay's members in place of the general ones; both as a surface has them."""
    result = dict(constraints)
    for name, value in overlay.items():
        general = result[name]
        result[name] = {**general, **value} if isinstance(general, dict) and isinstance(value, dict) else value
    network = result["network"]
    if isinstance(network, dict) and network["egress"] != "allowlist":
        result["network"] = {**network, "hosts": []}
    return result


def _scope_item(item: ScopeItem) -> JsonObject:
    return {"id": item.id, "statement": item.statement, "actions": _set(item.actions)}


def _tool(tool: Tool) -> JsonObject:
    return {
        "id": tool.id,
        "class": tool.class_,
        "version": tool.version,
        "privilege": tool.privilege,
        "operations": _set(tool.operations),
        "data": tool.data,
        "reversibility": reversibility_of(tool),
        "confirmation": tool.confirmation,
        "world": tool.world,
        "serves": _set(tool.serves),
    }


def _model_class(entry: ModelClass) -> JsonObject:
    return {"id": entry.id, "role": entry.role, "providers": _set(entry.providers), "regions": _set(entry.regions)}


def _component(component: Component) -> JsonObject:
    return {"id": component.id, "kind": component.kind}


def _plain(part: Part) -> JsonObject:
    """A part whose only lists are sets, as JSON; members without a value are left out."""
    members = ((name, getattr(part, name)) for name in type(part).model_fields)
    return {name: _member(value) for name, value in members if value is not None}


def _member(value: object) -> JsonValue:
    if isinstance(value, tuple):
        return _set(value)
    return value if isinstance(value, bool | int | str) else _plain(value)  # type: ignore[arg-type] # a Part


def _set(names: Iterable[str]) -> list[JsonValue]:
    return [*sorted(names)]


def _by_id(items: Iterable[JsonObject]) -> list[JsonValue]:
    return [*sorted(items, key=lambda item: str(item["id"]))]
