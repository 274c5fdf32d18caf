"""What an unquoted YAML scalar means: one thing to every parser, or it is refused.

Integers in plain decimal form, ``true``, ``false`` and ``null`` are what they look like; what YAML 1.1 or 1.2 (or a
common parser of either) takes for a boolean, null, number, time or merge is refused; all else is a string.
Sources: yaml.org/type (YAML 1.1), YAML 1.2.2 section 10.3.2 (core schema), and what Go's yaml accepts beyond.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonValue

INTEGER = re.compile(r"0|-?[1-9][0-9]*")
MERGE = "<<"
WORDS: dict[str, JsonValue] = {"true": True, "false": False, "null": None}

_BOOLEANS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n"})
_STARTS = frozenset("+-.0123456789")
_NULLS = frozenset({"null", "~"})
_KINDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE | re.ASCII), kind)
    for pattern, kind in (
        (r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[t ].*)?", "a time"),
        (r"[-+]?[0-9][0-9_]*(?::[0-9_]+)+(?:\.[0-9_]*)?", "a number of base 60"),
        (r"[-+]?0[xob][0-9a-f_]*", "a number"),
        (r"[-+]?\.(?:inf|nan)", "a number"),
        (r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:e[-+]?[0-9_]+)?", "a number"),
        (r"<<|=", "an instruction"),
    )
)


def other_reading(plain: str) -> str:
    """What some parser takes an unquoted scalar for; empty if every one reads a string."""
    folded = plain.lower()
    if folded in _BOOLEANS:
        return "a boolean"
    if folded in _NULLS:
        return "null"
    forms = {plain, plain.replace("_", "")} if plain[:1] in _STARTS else {plain}  # Go drops underscores anywhere
    return next((kind for pattern, kind in _KINDS if any(map(pattern.fullmatch, forms))), "")
