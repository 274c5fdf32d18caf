"""The published JSON Schema (2020-12) of an intent: generated from the model, never written by hand.

``python -m bspec_opa.intent.schema`` writes the file beside this module; ``--check`` only compares.
"""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bspec_opa.foundation.digest import Digest, digest_json
from bspec_opa.intent.vocabulary import EXTENSION

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

PUBLISHED = Path(__file__).with_name("schemas") / "behavior-intent-v1.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER = "urn:bspec-opa:schema:behavior.intent:v1"

# "$" also matches before a newline at the end in some engines; lookaround is missing in others.
_NO_NEWLINE = {"pattern": r"\n"}


@lru_cache(maxsize=1)
def schema_digest() -> Digest:
    """The digest of the published schema's RFC 8785 form; a lock names it (6.3)."""
    return digest_json(json.loads(PUBLISHED.read_bytes()))


def json_schema() -> JsonObject:
    """The schema, generated from the model."""
    from bspec_opa.intent.model import Intent

    raw = Intent.model_json_schema(by_alias=True)
    definitions = raw.pop("$defs")
    head = {"$schema": DIALECT, "$id": IDENTIFIER}
    parts = {name: _object(name, part) for name, part in sorted(definitions.items())}
    return {**head, **_object("Intent", raw), "title": "behavior.intent v1", "$defs": parts}


def _object(name: str, raw: dict[str, Any]) -> dict[str, Any]:
    from bspec_opa.intent.descriptions import DESCRIPTIONS

    properties = {}
    for member, schema in raw["properties"].items():
        properties[member] = {"description": DESCRIPTIONS[name][member], **_value(schema)}
    return {
        "title": name,
        "description": raw["description"],
        "type": "object",
        "required": sorted(raw.get("required", [])),
        "properties": properties,
        "patternProperties": {f"^{EXTENSION}": True},
        "additionalProperties": False,
    }


def _value(raw: dict[str, Any]) -> dict[str, Any]:
    """A member's schema without pydantic's own titles, without null, and with whole-string patterns."""
    if "anyOf" in raw:
        (given,) = (branch for branch in raw["anyOf"] if branch != {"type": "null"})
        return _value(given)
    schema = {name: value for name, value in raw.items() if name != "title"}
    if "patternProperties" in schema:
        return _map(schema)
    if "items" in schema:
        schema["items"] = _value(schema["items"])
    if "pattern" in schema:
        schema["not"] = _NO_NEWLINE
    return dict(sorted(schema.items()))


def _map(raw: dict[str, Any]) -> dict[str, Any]:
    ((pattern, item),) = raw.pop("patternProperties").items()
    names = {"pattern": pattern, "not": _NO_NEWLINE, **raw.pop("propertyNames", {})}
    return {**raw, "propertyNames": names, "additionalProperties": _value(item)}


def rendered() -> str:
    """The published file's text."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str], target: Path = PUBLISHED) -> int:
    """Write the published file, or compare it."""
    text = rendered()
    current = target.read_text(encoding="utf-8") if target.exists() else ""
    if "--check" in arguments:
        if current != text:
            sys.stderr.write(f"{target.name} is stale: run python -m bspec_opa.intent.schema\n")
        return int(current != text)
    target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
