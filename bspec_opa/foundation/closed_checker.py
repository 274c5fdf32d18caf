"""A closed schema made ready for many values: whether one fits is told by nested functions, one for each part.

:func:`~bspec_opa.foundation.closed_schema.violations` stays the authority: it is asked whenever a value doesn't fit,
and says why. A property test holds the two equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bspec_opa.foundation.closed_schema import compiled, definition, violations
from bspec_opa.foundation.limits import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.closed_schema import Violation

    Fits = Callable[[Any], bool]


def checker(schema: JsonObject) -> Callable[[JsonValue], list[Violation]]:
    """What :func:`~bspec_opa.foundation.closed_schema.violations` says of a value under this schema."""
    fits = _ready(schema, schema, {})
    return lambda value: [] if fits(value) else violations(schema, value)


def _ready(root: JsonObject, schema: Any, known: dict[str, Fits]) -> Fits:
    if "$ref" in schema:
        return _definition(root, schema["$ref"], known)
    kind = schema["type"]
    if kind == "object":
        return _object({n: _ready(root, s, known) for n, s in schema["properties"].items()}, schema["required"])
    if kind == "array":
        items = _ready(root, schema["items"], known)
        return _array(items, schema.get("minItems", 0), schema.get("maxItems", UNLIMITED))
    if kind == "string":
        return _string(schema)
    return _integer(schema) if kind == "integer" else _boolean


def _definition(root: JsonObject, reference: str, known: dict[str, Fits]) -> Fits:
    """The part that a reference names; it may be inside of itself."""

    def found_later(value: Any) -> bool:
        return known[reference](value)

    if reference not in known:
        known[reference] = found_later
        known[reference] = _ready(root, definition(root, reference), known)
    return known[reference]


def _object(members: dict[str, Fits], required: list[str]) -> Fits:
    needed = frozenset(required)
    find = members.get

    def fits(value: Any) -> bool:
        if not isinstance(value, dict) or not needed <= value.keys():
            return False
        for name, item in value.items():
            member = find(name)
            if member is None or not member(item):
                return False
        return True

    return fits


def _array(items: Fits, least: int, most: int) -> Fits:
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(map(items, value))


def _string(schema: Any) -> Fits:
    least, most = schema.get("minLength", 0), schema.get("maxLength", UNLIMITED)
    if schema.keys() == {"type", "enum"}:
        words = frozenset(schema["enum"])
        return lambda value: isinstance(value, str) and value in words
    if "enum" in schema:
        return lambda value: not violations(schema, value)
    if "pattern" not in schema:
        return lambda value: isinstance(value, str) and least <= len(value) <= most
    pattern = schema["pattern"]  # compiled when a value first meets it: most never do
    return lambda value: (
        isinstance(value, str) and least <= len(value) <= most and compiled(pattern).fullmatch(value) is not None
    )


def _integer(schema: Any) -> Fits:
    if "enum" in schema:
        numbers = frozenset(schema["enum"])
        return lambda value: isinstance(value, int) and not isinstance(value, bool) and value in numbers
    least, most = schema["minimum"], schema["maximum"]
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _boolean(value: Any) -> bool:
    return isinstance(value, bool)
