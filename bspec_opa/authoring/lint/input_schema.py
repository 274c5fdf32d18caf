"""What lint rules in Rego see. OPA checks their paths against this: a misspelt one would report nothing, silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import array, integer, obj, string

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

_OPEN: JsonObject = {"type": "object"}
_TEXT = string()
INPUT_SCHEMA: JsonObject = obj(
    # Path to syntax tree, as `opa parse --json-include locations,comments` writes it.
    files=_OPEN,
    # Path to the lines of the source.
    text=_OPEN,
    # What `opa inspect -a` says of the whole folder.
    inspect=_OPEN,
    # The policy rules whose METADATA is right.
    index=array(_OPEN),
    # Every test of a rule, what it expects, and what it replaces; empty if the policies don't compile.
    tests=array(
        obj(package=_TEXT, name=_TEXT, file=_TEXT, line=integer(), rule=_TEXT, expects=_TEXT, stand_in=_TEXT),
    ),
    # Whether the tests could be run.
    tested={"type": "boolean"},
    # The value of data.bspec.testing.
    fixtures=_OPEN,
    # The files that are the author's own.
    own=array(_TEXT),
    # The time, Unix seconds.
    now_unix=integer(),
)
