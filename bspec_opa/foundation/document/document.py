"""A document that was accepted: its value, and where each part of it stands in the source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bspec_opa.foundation.canonical import JsonValue
    from bspec_opa.foundation.document.text import Source
    from bspec_opa.foundation.errors import Location


class Mark(NamedTuple):
    """Offsets of a value, of its key if it is a member, and the marks of its parts by pointer token."""

    start: int
    end: int
    key: tuple[int, int] | None
    parts: Mapping[str, Mark]

    @property
    def start_of_key(self) -> int:
        """Where the member begins: at its key, or at the value if it has none."""
        return self.key[0] if self.key is not None else self.start


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed document.

    Attributes:
        name: what messages call the file.
        value: its content; JSON types only, never a float.
    """

    name: str
    value: JsonValue
    source: Source = field(repr=False, compare=False)
    marks: Callable[[], Mark] = field(repr=False, compare=False)

    def is_object(self) -> bool:
        """Whether the document is an object at the top."""
        return isinstance(self.value, dict)

    def locate(self, pointer: str, *, key: bool = False) -> Location:
        """The place of a value, or of its key, by JSON Pointer (RFC 6901).

        If nothing stands there, the place of the nearest existing ancestor. Items and the whole document have no
        key; their value is meant then.
        """
        return self.source.place(self._range(pointer, key=key)[0])

    def span(self, pointer: str, *, key: bool = False) -> int:
        """How many characters of its first line a scalar or key takes; 1 for lists and objects."""
        start, end = self._range(pointer, key=key)
        return max(1, min(end - start, len(self.source.rest_of_line(start).rstrip())))

    def line(self, number: int) -> str:
        """A source line, counted from 1, without its end; empty if there is no such line."""
        return self.source.line(number)

    def _range(self, pointer: str, *, key: bool) -> tuple[int, int]:
        mark = self.marks()
        for token in pointer.split("/")[1:]:
            inner = mark.parts.get(token.replace("~1", "/").replace("~0", "~"))
            if inner is None:
                break
            mark = inner
        return mark.key if key and mark.key is not None else (mark.start, mark.end)
