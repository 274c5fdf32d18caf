"""Values by the names that rules and findings use for them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject, JsonValue


def at_reference(roots: JsonObject, reference: str) -> JsonValue:
    """What a dotted reference such as ``input.intent.tools`` is; None where it leads nowhere."""
    value: JsonValue = roots
    for name in reference.split("."):
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def value_at(request: JsonObject, pointer: str) -> JsonValue:
    """What an input says at a JSON Pointer into the intent, as near as it can: every item there carries its ``path``.

    None where the input has nothing of it.
    """
    intent = request["intent"]
    best: tuple[int, JsonValue] = (-1, None)
    for item in _placed(intent):
        path = str(item["path"])
        if pointer == path or pointer.startswith(f"{path}/"):
            best = max(best, (len(path), inside(item, pointer[len(path) :])), key=lambda b: b[0])
    return best[1] if best[0] >= 0 else inside(intent, pointer)


def _placed(value: JsonValue) -> Iterator[JsonObject]:
    if isinstance(value, dict):
        if isinstance(value.get("path"), str):
            yield value
        for inner in value.values():
            yield from _placed(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _placed(inner)


def inside(value: JsonValue, pointer: str) -> JsonValue:
    """What stands at a JSON Pointer; None where nothing does."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value
