"""What the schemas of printed documents are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import DIGEST, TEXT, array, enum, integer, obj, string

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

LINE = string(maximum=8192)
"""A sentence, a name or a path: one line of text."""
OPTIONAL_DIGEST = string(pattern="^(?:sha256:[0-9a-f]{64})?$")
OPEN: JsonObject = {"type": "object"}
"""A member whose form another schema has: a predicate, or a publisher's contract."""

SEVERITY = enum("critical", "high", "medium", "low")
ASSURANCE = enum("asserted", "measured", "cross-checked")
LINES = array(LINE)

PROBLEM = obj(code=LINE, message=TEXT, hint=LINE, file=LINE, line=integer(), column=integer())
BASES = array(obj(revision=DIGEST, digest=DIGEST))
"""What a bundle was composed on, the nearest first."""
OWNERS = array(obj(owner=LINE, rules=array(LINE, minimum=1)), minimum=1)
"""Who owns which rules of a bundle."""
BUNDLE = obj(name=LINE, revision=LINE, digest=DIGEST)
