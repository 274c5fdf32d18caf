"""Closed schemas: the small subset of JSON Schema 2020-12 that both Rego and Python can check completely.

``type``, ``enum``, ``minimum``, ``maximum``, ``minLength``, ``maxLength``, ``pattern`` (anchored by
:func:`re.fullmatch`), ``items``, ``minItems``, ``maxItems``, ``properties``, ``required``,
``additionalProperties: false`` and ``$ref`` into ``#/$defs``. Checking here costs no import of ``jsonschema``; a
property test holds the two equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from bspec_opa.foundation.document.text import shown
from bspec_opa.foundation.limits import UNLIMITED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Violation:
    """A place, as a JSON Pointer, and what is wrong there."""

    pointer: str
    message: str


def string(*, pattern: str = "", maximum: int = 0, minimum: int = 0) -> JsonObject:
    """A string; ``pattern`` must be anchored with ``^`` and ``$``."""
    schema: JsonObject = {"type": "string"}
    if pattern:
        schema["pattern"] = pattern
    if minimum:
        schema["minLength"] = minimum
    if maximum:
        schema["maxLength"] = maximum
    return schema


def enum(*values: str) -> JsonObject:
    """One of some strings."""
    return {"type": "string", "enum": list(values)}


def integer(minimum: int = 0, maximum: int = UNLIMITED) -> JsonObject:
    """An integer within inclusive bounds."""
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


def integers(*values: int) -> JsonObject:
    """One of some integers."""
    return {"type": "integer", "enum": list(values)}


def boolean() -> JsonObject:
    """True or false."""
    return {"type": "boolean"}


def array(items: JsonObject, *, minimum: int = 0, maximum: int = 0) -> JsonObject:
    """A list of one kind of item."""
    schema: JsonObject = {"type": "array", "items": items}
    if minimum:
        schema["minItems"] = minimum
    if maximum:
        schema["maxItems"] = maximum
    return schema


def optional(items: JsonObject) -> JsonObject:
    """A part that may be missing: a list of none or one, never null and never an absent key."""
    return array(items, maximum=1)


def obj(_optional: dict[str, JsonObject] | None = None, /, **properties: JsonObject) -> JsonObject:
    """An object with exactly these members; those in the positional argument may be absent.

    A trailing underscore is dropped, so that ``class_`` and ``from_`` can be written.
    """
    named = {k.rstrip("_"): v for k, v in properties.items()}
    every: JsonObject = {**named, **(_optional or {})}
    required: list[JsonValue] = [*sorted(named)]
    return {"type": "object", "additionalProperties": False, "required": required, "properties": every}


def ref(name: str) -> JsonObject:
    """A reference into ``#/$defs``."""
    return {"$ref": f"#/$defs/{name}"}


DIGEST = string(pattern="^sha256:[0-9a-f]{64}$")
HEX64 = string(pattern="^[0-9a-f]{64}$")
TIME = string(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")
IDENTIFIER = string(pattern="^[a-z0-9][a-z0-9._-]*$", maximum=200)
PRINCIPAL = string(pattern="^[a-z0-9][a-z0-9._:-]*$", maximum=200)
TEXT = string(maximum=65536)
OTHER_FORM = "has another form than expected"
NO_OBJECT = "must be an object"
_FORMS = (
    (TIME, "a time in UTC such as 2026-06-01T10:00:00Z"),
    (DIGEST, "sha256: and 64 digits 0-9a-f"),
)


def violations(schema: JsonObject, value: JsonValue, *, limit: int = 50) -> list[Violation]:
    """What keeps a value from fitting a closed schema; empty if it fits.

    Args:
        schema: a closed schema; ``$ref`` are looked up in its own ``$defs``.
        value: parsed JSON.
        limit: at most so many violations are listed.
    """
    found: list[Violation] = []
    for violation in _walk(schema, schema, value, ""):
        found.append(violation)
        if len(found) >= limit:
            break
    return found


def _walk(root: JsonObject, schema: JsonObject, value: JsonValue, at: str) -> Iterator[Violation]:
    if "$ref" in schema:
        schema = definition(root, str(schema["$ref"]))
    kind = schema["type"]
    if kind == "object":
        yield from _object(root, schema, value, at)
    elif kind == "array":
        yield from _array(root, schema, value, at)
    elif kind == "string":
        yield from _string(schema, value, at)
    elif kind == "integer":
        yield from _integer(schema, value, at)
    elif not isinstance(value, bool):
        yield Violation(at, "must be true or false")


def definition(root: JsonObject, reference: str) -> JsonObject:
    """What a ``$ref`` names."""
    definitions = root["$defs"]
    assert isinstance(definitions, dict)  # noqa: S101 - our own schemas, checked by a test
    found = definitions[reference.removeprefix("#/$defs/")]
    assert isinstance(found, dict)  # noqa: S101 - as above
    return found


def _object(root: JsonObject, schema: JsonObject, value: JsonValue, at: str) -> Iterator[Violation]:
    if not isinstance(value, dict):
        yield Violation(at, NO_OBJECT)
        return
    properties: dict[str, JsonObject] = schema["properties"]  # type: ignore[assignment]
    required: list[str] = schema["required"]  # type: ignore[assignment]
    for name in required:
        if name not in value:
            yield Violation(at, f'lacks "{name}"')
    for name, item in value.items():
        if name in properties:
            yield from _walk(root, properties[name], item, f"{at}/{escape(name)}")
        else:
            yield Violation(f"{at}/{escape(name)}", f"unknown member {shown(name)}")


def _array(root: JsonObject, schema: JsonObject, value: JsonValue, at: str) -> Iterator[Violation]:
    if not isinstance(value, list):
        yield Violation(at, "must be a list")
        return
    least, most = schema.get("minItems", 0), schema.get("maxItems", UNLIMITED)
    assert isinstance(least, int)  # noqa: S101 - our own schemas
    assert isinstance(most, int)  # noqa: S101 - as above
    if not least <= len(value) <= most:
        yield Violation(at, f"must have {least} to {most} items" if most < UNLIMITED else f"needs {least} items")
    items: JsonObject = schema["items"]  # type: ignore[assignment]
    for index, item in enumerate(value):
        yield from _walk(root, items, item, f"{at}/{index}")


def _string(schema: JsonObject, value: JsonValue, at: str) -> Iterator[Violation]:
    if not isinstance(value, str):
        yield Violation(at, "must be a string")
    elif "enum" in schema and value not in schema["enum"]:  # type: ignore[operator]
        words = "must be one of " + ", ".join(map(str, schema["enum"]))  # type: ignore[arg-type] # an enum is a list
        yield Violation(at, f"{words}, and not {shown(value)}" if at == "/schema" else words)
    elif "pattern" in schema and not compiled(str(schema["pattern"])).fullmatch(value):
        yield Violation(at, _other_form(str(schema["pattern"]), value))
    elif not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", UNLIMITED):  # type: ignore[operator]
        yield Violation(at, "is too short or too long")


def _other_form(pattern: str, value: str) -> str:
    """What is expected instead, where people have a word for it, and what is there."""
    known = next((f for schema, f in _FORMS if schema["pattern"] == pattern), "")
    return f"{OTHER_FORM}: {known}, and not {shown(value)}" if known else OTHER_FORM


def _integer(schema: JsonObject, value: JsonValue, at: str) -> Iterator[Violation]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield Violation(at, "must be an integer")
    elif "enum" in schema:
        if value not in schema["enum"]:  # type: ignore[operator]
            yield Violation(at, "must be one of " + ", ".join(map(str, schema["enum"])))  # type: ignore[arg-type]
    elif not schema["minimum"] <= value <= schema["maximum"]:  # type: ignore[operator]
        yield Violation(at, f"must be {schema['minimum']} to {schema['maximum']}")


@lru_cache(maxsize=64)
def compiled(pattern: str) -> re.Pattern[str]:
    """A schema's pattern; for :func:`re.fullmatch` only."""
    return re.compile(pattern)


def escape(member: str) -> str:
    """A member's name as a JSON Pointer token (RFC 6901)."""
    return member.replace("~", "~0").replace("/", "~1")
