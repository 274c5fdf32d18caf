"""Text from documents, safe to print: control characters never reach a terminal or a log raw (attack A72)."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject, JsonValue

_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
_OWN = re.compile(r"(\x1b\[[0-9]+(?:;[0-9]+)?m)")


def printable(text: str) -> str:
    """The text with control, format and surrogate characters escaped; line breaks of our own are added later."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in _HIDDEN else _escape(c) for c in text)


def printable_lines(text: str) -> str:
    """The last look at what goes to a terminal: everything but line feeds and colours is escaped.

    A document's own text was passed through :func:`printable` before, or its line breaks would count as ours.
    """
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    if line.isascii() and line.isprintable():
        return line
    return "".join(part if _OWN.fullmatch(part) else printable(part) for part in _OWN.split(line))


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"  # noqa: PLR2004 - one byte


def render_json(document: JsonObject, *, one_line: bool = False) -> str:
    """A result for machines: ASCII, so nothing in it can steer a terminal, and valid Unicode once it is parsed.

    Args:
        document: the result.
        one_line: as JSON Lines have it (https://jsonlines.org).
    """
    return json.dumps(_well_formed(document), indent=None if one_line else 2) + "\n"


def _well_formed(value: JsonValue) -> JsonValue:
    """The value without surrogates, which stand for bytes of a file's name that are no UTF-8."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {k: _well_formed(v) for k, v in value.items()}
    return [_well_formed(v) for v in value] if isinstance(value, list) else value
