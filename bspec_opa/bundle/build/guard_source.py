"""Writes the package ``bspec.gate.shape`` from the closed input schema: exact keys, types, enums, ranges, lengths.

OPA's strict mode is no defence against ill-typed input: ``"later" > 5`` is true in Rego's total order. The guard makes
the decision undefined instead, in whatever engine and whoever asks.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bspec_opa.bundle.build.gate_source import reference

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

_HEAD = """\
# METADATA
# title: The input's shape
# description: Generated from the input schema; an input of another shape leaves the decision undefined.
package bspec.gate.shape

is_integer(x, least, most) if {
	is_number(x)
	text := lower($"{x}")
	not contains(text, ".")
	not contains(text, "e")
	x >= least
	x <= most
}
"""
_ANNOTATIONS = frozenset({"$schema", "$defs", "title"})
_KNOWN = {
    "object": frozenset({"type", "additionalProperties", "required", "properties"}),
    "array": frozenset({"type", "items", "minItems", "maxItems"}),
    "string": frozenset({"type", "enum", "minLength", "maxLength"}),
    "integer": frozenset({"type", "enum", "minimum", "maximum"}),
    "boolean": frozenset({"type"}),
}


class _Writer:
    """Collects one function for each object and each list item; names follow the place in the schema."""

    def __init__(self, schema: JsonObject, *, optional: bool) -> None:
        self.optional = optional
        self.definitions: JsonObject = schema.get("$defs", {})  # type: ignore[assignment]
        self.functions: dict[str, list[str]] = {}

    def function(self, name: str, schema: JsonObject) -> str:
        """The name of a function that says whether ``x`` fits."""
        if "$ref" in schema:
            name = str(schema["$ref"]).removeprefix("#/$defs/")
            schema = self.definitions[name]  # type: ignore[assignment]
        if name not in self.functions:
            body = self.functions[name] = []
            self._check_keywords(schema)
            body += self._object(name, schema) if schema["type"] == "object" else self.conditions(name, schema, "x")
        return f"is_{name}"

    def conditions(self, name: str, schema: JsonObject, at: str) -> list[str]:
        """Rego expressions that hold if the value at ``at`` fits."""
        if "$ref" in schema or schema["type"] == "object":
            return [f"{self.function(name, schema)}({at})"]
        self._check_keywords(schema)
        if schema["type"] == "array":
            return self._array(name, schema, at)
        values: list[str] = schema.get("enum", [])  # type: ignore[assignment]
        among = [f"{at} in {_set(values)}"] if values else []
        if schema["type"] == "integer":
            least, most = (min(values), max(values)) if values else (schema["minimum"], schema["maximum"])
            return [f"is_integer({at}, {least}, {most})", *among]
        return among or [f"is_{schema['type']}({at})", *_lengths(schema, at, "Length")]

    def _array(self, name: str, schema: JsonObject, at: str) -> list[str]:
        item = self.function(f"{name}_item", schema["items"])  # type: ignore[arg-type]
        return [f"is_array({at})", *_lengths(schema, at, "Items"), f"every item in {at} {{ {item}(item) }}"]

    def _object(self, name: str, schema: JsonObject) -> list[str]:
        properties: dict[str, JsonObject] = schema["properties"]  # type: ignore[assignment]
        required: list[str] = sorted(schema["required"])  # type: ignore[arg-type] # our own schema: a list of names
        others = sorted(set(properties) - set(required))
        keys = f"object.keys(x) - {_set(others)}" if others else "object.keys(x)"
        found = ["is_object(x)", f"{keys} == {_set(required)}"]
        for key in required:
            found += self.conditions(f"{name}_{key}", properties[key], reference("x", key))
        for key in others:
            # Of a member that is not there the list is empty.
            fits = self.function(f"{name}_{key}", properties[key])
            found.append(f"every y in [y | y := {reference('x', key)}] {{ {fits}(y) }}")
        return found

    def _check_keywords(self, schema: JsonObject) -> None:
        """A keyword that the guard can't check must not be in the schema: guard and schema would disagree."""
        unknown = set(schema) - _KNOWN[str(schema["type"])] - _ANNOTATIONS
        if unknown:
            raise ValueError(f"the guard can't check {sorted(unknown)}")
        if schema["type"] != "object":
            return
        every = self.optional or set(schema["required"]) == set(schema["properties"])  # type: ignore[arg-type] # as above
        if schema["additionalProperties"] is not False or not every:
            raise ValueError("the guard checks closed objects without optional keys only")


def _lengths(schema: JsonObject, at: str, what: str) -> list[str]:
    """Bounds of a list's items, or of a text's characters; Rego counts code points, as JSON Schema does."""
    bounds = (("min", ">="), ("max", "<="))
    return [f"count({at}) {sign} {schema[bound + what]}" for bound, sign in bounds if bound + what in schema]


def _set(values: list[str]) -> str:
    return "{" + ", ".join(json.dumps(v) for v in values) + "}"


def guard_source(schema: JsonObject, *, optional: bool = False) -> str:
    """The text of ``bspec/gate/shape/shape.rego``, in the form of ``opa fmt``.

    Args:
        schema: the input schema, ``$ref`` into its own ``$defs`` only.
        optional: whether objects may have optional keys; never those of the input, whose rules read every member.

    Raises:
        ValueError: the schema uses something that the guard can't check.
    """
    writer = _Writer(schema, optional=optional)
    writer.function("input", schema)
    functions = [
        "\n".join([f"is_{n}(x) if {{", *(f"\t{c}" for c in body), "}", ""]) for n, body in writer.functions.items()
    ]
    return "\n".join([_HEAD, *functions])
