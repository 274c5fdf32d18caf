"""The YAML that people mostly write, read without PyYAML, which costs an import and most of the time.

There are two readers, as for JSON. :func:`read_quickly` knows block mappings and lists, flow collections, names as
keys, quoted scalars without escapes, plain scalars of one line and block scalars whose lines all begin in one column,
and gives up at the slightest doubt;
:class:`~bspec_opa.foundation.document.yaml_subset.YamlReader` is the authority for everything else and says what is
wrong. A property test holds the two equal, the place of every value included.

What makes the shortcut safe: a scalar here starts with a letter, a digit or a sign that means nothing to YAML, and it
never goes on in the next line, because a line that is indented deeper than its collection is a doubt. A block scalar
is every line from its header on that is empty or begins in the first one's column; one that begins deeper is a doubt.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from bspec_opa.foundation.document.document import Mark
from bspec_opa.foundation.document.scalars import INTEGER, WORDS, other_reading
from bspec_opa.foundation.limits import MAX_NAME, MAX_STRING

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject, JsonValue

MAX_DEPTH = 32
"""Deeper nesting goes to the authority, which has the real limit."""
_MAX_DIGITS = 15

_NAME = "([A-Za-z_][A-Za-z0-9_.-]{0,199}):"
_BLOCK_KEY = re.compile(_NAME + r"(?=[ \n])")
_FLOW_KEY = re.compile(_NAME + r" +")
# Letters, digits, _ / ( $ and all from U+00A1 on, written as what it is not: that compiles in no time.
_START = r"[^\x00-#%-')-.:-@\[-^`{-\u00a0]"
_BLOCK_PART = r"[^ :\n]*(?::(?=[^ \n])[^ :\n]*)*"
_BLOCK_PLAIN = re.compile(rf"{_START}{_BLOCK_PART}(?: +(?=[^ :#\n]){_BLOCK_PART})*")
_FLOW_PART = r"[^ :\n,?\[\]{}]*(?::(?=[^ \n,\[\]{}])[^ :\n,?\[\]{}]*)*"
_FLOW_PLAIN = re.compile(rf"{_START}{_FLOW_PART}(?: +(?=[^ :#\n,?\[\]{{}}]){_FLOW_PART})*")
_QUOTED = re.compile(r"""(?:"[^"\\\n]*"|'[^'\n]*'(?!'))""")
_SPACES = re.compile(r" +")
_DASH = re.compile(r"- +")
_GAP = re.compile(r"[ \n]*")
_END = re.compile(r"(?: +#[^\n]*| *)\n")
_NEXT_LINE = re.compile(r"(?: *(?:#[^\n]*)?\n)*( *)")
_NO_LINE = -1

# The commonest steps in one match: a line "name: scalar" up to what comes next, and a scalar in a flow collection up to
# what comes behind it. Atomic groups, so that a scalar is what it would be if it were looked for alone.
_QUOTED_OR = r"""(?>"[^"\\\n]*"|'[^'\n]*'(?!')|"""
_SCALAR_LINE = re.compile(rf"{_NAME} +({_QUOTED_OR}{_BLOCK_PLAIN.pattern})){_END.pattern}{_NEXT_LINE.pattern}")
_FLOW_SCALAR = rf"({_QUOTED_OR}{_FLOW_PLAIN.pattern}))[ \n]*"
_FLOW_ITEM = re.compile(rf"{_FLOW_SCALAR}(?:(,)[ \n]*|\])")
_FLOW_MEMBER = re.compile(rf"{_NAME} +{_FLOW_SCALAR}(?:(,)[ \n]*|\}})")

_BLOCK_HEADER = re.compile(r"([|>])(-?) *\n( +)(?=[^ \n\t])")
_MAX_INDENTATION = 16
"""Deeper text goes to the authority, and so does text with a deeper line in it, or one of blanks behind it."""
_BLANK_LINE = re.compile(r" +\n")
_BREAKS = re.compile(r"\n+")


class DoubtError(Exception):
    """Only the authority can tell what the text means, if it means anything."""


def read_quickly(text: str) -> tuple[JsonValue, Mark]:
    """The value of a YAML text and its marks, exactly as the authority gives them.

    Args:
        text: characters that were already looked at, so that no control and no other form of a character is in it.

    Raises:
        DoubtError: it is wrong, or it can't be told without the authority.
    """
    if len(text) > MAX_STRING or "\r" in text or not text.endswith("\n"):
        raise DoubtError
    return _Reader(text).read()


class _Reader:
    """Stands at a place in the text; at the start of a line it knows the column of what comes next."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._column = 0

    def read(self) -> tuple[JsonValue, Mark]:
        self._to_next_line()
        found = self._block(self._column, None, 0)
        if self._column != _NO_LINE:
            raise DoubtError
        return found

    def _to_next_line(self) -> None:
        """Past empty lines and comments to what comes next, and its column."""
        self._stand_behind(_expect(_NEXT_LINE, self._text, self._at), 1)

    def _stand_behind(self, match: re.Match[str], indentation: int) -> None:
        start, self._at = match.span(indentation)
        self._column = self._at - start if self._at < len(self._text) else _NO_LINE

    def _end_line(self) -> None:
        self._at = _expect(_END, self._text, self._at).end()
        self._to_next_line()

    def _is_item(self) -> bool:
        return self._text.startswith("- ", self._at)

    def _block(self, column: int, key: tuple[int, int] | None, depth: int) -> tuple[JsonValue, Mark]:
        if depth >= MAX_DEPTH:
            raise DoubtError
        start = self._at
        value, parts = self._items(column, depth) if self._is_item() else self._members(column, depth)
        if self._column > column:  # a scalar goes on, or the indentation is wrong
            raise DoubtError
        return value, Mark(start, start + 1, key, parts)

    def _members(self, column: int, depth: int) -> tuple[JsonValue, dict[str, Mark]]:
        members: JsonObject = {}
        parts: dict[str, Mark] = {}
        while self._column == column:
            match = _SCALAR_LINE.match(self._text, self._at) or _expect(_BLOCK_KEY, self._text, self._at)
            name = _name(match[1], members)
            key = match.span(1)
            if match.re is _SCALAR_LINE:
                members[name], parts[name] = _scalar(match[2]), Mark(*match.span(2), key, {})
                self._stand_behind(match, 3)
            else:
                self._at = match.end()
                members[name], parts[name] = self._member(column, key, depth)
        return members, parts

    def _member(self, column: int, key: tuple[int, int], depth: int) -> tuple[JsonValue, Mark]:
        """What follows a key: a value in its line, or a deeper block, or a list below it in its own column."""
        if _END.match(self._text, self._at) is None:
            self._at = _expect(_SPACES, self._text, self._at).end()
            return self._after(column, key, depth)
        self._end_line()
        if self._column > column or (self._column == column and self._is_item()):
            return self._block(self._column, key, depth + 1)
        raise DoubtError

    def _items(self, column: int, depth: int) -> tuple[JsonValue, dict[str, Mark]]:
        items: list[JsonValue] = []
        parts: dict[str, Mark] = {}
        while self._column == column and self._is_item():
            start = self._at
            self._at = _expect(_DASH, self._text, start).end()
            if _BLOCK_KEY.match(self._text, self._at):
                self._column = column + self._at - start
                item, mark = self._block(self._column, None, depth + 1)
            else:
                item, mark = self._after(column, None, depth)
            parts[str(len(items))] = mark
            items.append(item)
        return items, parts

    def _after(self, column: int, key: tuple[int, int] | None, depth: int) -> tuple[JsonValue, Mark]:
        """What stands behind a key or a dash of a block in this column."""
        if self._text.startswith(("|", ">"), self._at):
            return self._block_scalar(column, key)
        return self._in_line(key, depth)

    def _block_scalar(self, column: int, key: tuple[int, int] | None) -> tuple[JsonValue, Mark]:
        start = self._at
        header = _expect(_BLOCK_HEADER, self._text, start)
        indentation = header[3]
        if not column < len(indentation) <= _MAX_INDENTATION:
            raise DoubtError
        end = _expect(_text_lines(indentation), self._text, header.start(3)).end()
        lines = self._text[header.start(3) : end].rstrip("\n").replace("\n" + indentation, "\n")[len(indentation) :]
        if self._text.startswith(indentation, end) or _BLANK_LINE.match(self._text, end):
            raise DoubtError
        text = _folded(lines) if header[1] == ">" else lines
        self._at = end
        self._to_next_line()
        return text + ("" if header[2] else "\n"), Mark(start, end, key, {})

    def _in_line(self, key: tuple[int, int] | None, depth: int) -> tuple[JsonValue, Mark]:
        found = self._value(key, depth + 1, _BLOCK_PLAIN)
        self._end_line()
        return found

    def _value(self, key: tuple[int, int] | None, depth: int, plain: re.Pattern[str]) -> tuple[JsonValue, Mark]:
        start = self._at
        if self._text.startswith(("[", "{"), start):
            self._at += 1
            value, parts = self._flow_items(depth) if self._text[start] == "[" else self._flow_members(depth)
            return value, Mark(start, start + 1, key, parts)
        quoted = self._text.startswith(('"', "'"), start)
        match = _expect(_QUOTED if quoted else plain, self._text, start)
        self._at = match.end()
        return _scalar(match[0]), Mark(start, self._at, key, {})

    def _flow_items(self, depth: int) -> tuple[JsonValue, dict[str, Mark]]:
        items: list[JsonValue] = []
        parts: dict[str, Mark] = {}
        ended = self._opens_empty("]", depth)
        while not ended:
            if match := _FLOW_ITEM.match(self._text, self._at):
                item, mark = _scalar(match[1]), Mark(*match.span(1), None, {})
                self._at, ended = match.end(), match[2] is None
            else:
                item, mark = self._value(None, depth + 1, _FLOW_PLAIN)
                ended = self._flow_ends("]")
            parts[str(len(items))] = mark
            items.append(item)
        return items, parts

    def _flow_members(self, depth: int) -> tuple[JsonValue, dict[str, Mark]]:
        members: JsonObject = {}
        parts: dict[str, Mark] = {}
        ended = self._opens_empty("}", depth)
        while not ended:
            match = _FLOW_MEMBER.match(self._text, self._at) or _expect(_FLOW_KEY, self._text, self._at)
            name = _name(match[1], members)
            key = match.span(1)
            self._at = match.end()
            if match.re is _FLOW_MEMBER:
                members[name], parts[name] = _scalar(match[2]), Mark(*match.span(2), key, {})
                ended = match[3] is None
            else:
                members[name], parts[name] = self._value(key, depth + 1, _FLOW_PLAIN)
                ended = self._flow_ends("}")
        return members, parts

    def _opens_empty(self, bracket: str, depth: int) -> bool:
        if depth >= MAX_DEPTH:
            raise DoubtError
        self._skip_gap()
        if self._text.startswith(bracket, self._at):
            self._at += 1
            return True
        return False

    def _flow_ends(self, bracket: str) -> bool:
        """Past a comma or past the closing bracket."""
        self._skip_gap()
        found = self._text[self._at : self._at + 1]
        if found not in {",", bracket}:
            raise DoubtError
        self._at += 1
        if found == ",":
            self._skip_gap()
        return found == bracket

    def _skip_gap(self) -> None:
        self._at = _expect(_GAP, self._text, self._at).end()


def _expect(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    match = pattern.match(text, at)
    if match is None:
        raise DoubtError
    return match


@lru_cache(maxsize=_MAX_INDENTATION)
def _text_lines(indentation: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{indentation}[^ \n\t][^\n]*\n|\n)*")


def _folded(lines: str) -> str:
    """One line break is a space; of several the first one goes. Lines don't end with a break."""
    return _BREAKS.sub(lambda breaks: breaks[0][1:] or " ", lines)


def _name(name: str, known: JsonObject) -> str:
    if name in known or _meaning(name) != name:
        raise DoubtError
    return name


def _scalar(written: str) -> JsonValue:
    """What a scalar means that begins and ends with the same quote, or is plain."""
    return written[1:-1] if written[0] in "\"'" else _meaning(written)


def _meaning(plain: str) -> JsonValue:
    """What a plain scalar is to every parser."""
    return _short_meaning(plain) if len(plain) <= MAX_NAME else _any_meaning(plain)


def _any_meaning(plain: str) -> JsonValue:
    if plain in WORDS:
        return WORDS[plain]
    if INTEGER.fullmatch(plain):
        if len(plain) > _MAX_DIGITS:
            raise DoubtError
        return int(plain)
    if other_reading(plain):
        raise DoubtError
    return plain


# Intents say the same few words again and again; long texts are their own.
_short_meaning = lru_cache(maxsize=4096)(_any_meaning)
