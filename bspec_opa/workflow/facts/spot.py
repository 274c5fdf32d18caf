"""A place in an intent with the characters around it: plain data, so that it can be shown without the document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonValue
    from bspec_opa.foundation.document.document import Document

WIDTH = 100
"""Characters of a line that are shown."""
_BEFORE = 40


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something is said to be wrong.

    Attributes:
        file: what messages call the file.
        line: from 1; 0 if the file as a whole is meant.
        column: from 1, in characters; 0 if the file as a whole is meant.
        length: how many characters of the line are meant, at most.
        start: how many characters of the line come before ``shown``.
        shown: the part of the line around the place.
    """

    file: str
    line: int = 0
    column: int = 0
    length: int = 0
    start: int = 0
    shown: str = ""

    @property
    def end_column(self) -> int:
        """The column after the last character that is meant."""
        return self.column + self.length


def spot_of(document: Document, pointer: str) -> Spot:
    """The place of a value by JSON Pointer; of its nearest ancestor where nothing stands there."""
    at = document.locate(pointer)
    line, column = at.line or 1, at.column or 1
    source = document.line(line)
    start = column - 1 - _BEFORE if len(source) > WIDTH and column > WIDTH // 2 else 0
    return Spot(at.file, line, column, document.span(pointer), start, source[start : start + WIDTH])


def lasting_path(value: JsonValue, pointer: str) -> str:
    """A JSON Pointer in which items of lists go by their ``id`` or value, so that it outlives their order.

    ``/tools/0/privilege`` becomes ``/tools/billing_read_api/privilege``. Not meant for looking anything up.
    """
    found: list[str] = []
    for token in pointer.split("/")[1:]:
        inner: JsonValue = None
        name = token
        if isinstance(value, dict):
            inner = value.get(token.replace("~1", "/").replace("~0", "~"))
        elif isinstance(value, list) and token.isascii() and token.isdecimal() and int(token) < len(value):
            inner = value[int(token)]
            own = inner.get("id") if isinstance(inner, dict) else inner
            name = own if isinstance(own, str) else token
        found.append(name)
        value = inner
    return "".join(f"/{name}" for name in found)
