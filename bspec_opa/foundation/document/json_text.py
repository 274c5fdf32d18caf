"""JSON as RFC 8259 has it, and no more: one reading for every text, or a refusal with its place.

There are two readers. :func:`parse_quickly` asks the standard library and gives up at the slightest doubt;
:class:`Scanner` is the authority, keeps positions and says what is wrong. A property test holds them equal.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from bspec_opa.foundation.document.document import Mark
from bspec_opa.foundation.document.reasons import (
    EMPTY,
    INTEGER_RANGE,
    NOT_AN_INTEGER,
    SYNTAX,
    TOO_DEEP,
    TOO_MANY_NODES,
)
from bspec_opa.foundation.document.text import Findings, shown, string_faults
from bspec_opa.foundation.limits import INTEGER_LIMIT, MAX_DEPTH, MAX_NODES, MAX_STRING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import NoReturn

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.document.text import Source

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_WORD = re.compile(r"-?[A-Za-z]+")
_WORDS: dict[str, JsonValue] = {"true": True, "false": False, "null": None}
_NO_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})
_MAX_DIGITS = 16
_CONTAINERS = (dict, list)


def parse_quickly(source: str, *, text: bool) -> JsonValue:
    """The value of a JSON text whose characters were already looked at.

    Raises:
        ValueError, RecursionError: it is wrong, or it can't be told without the scanner.
    """
    brackets = source.count("[") + source.count("{")
    if 1 + brackets + source.count(",") > MAX_NODES:
        raise ValueError("perhaps too many nodes")
    value: JsonValue = json.loads(
        source, object_pairs_hook=_object, parse_int=_quick_integer, parse_float=_refuse, parse_constant=_refuse
    )
    if brackets > MAX_DEPTH:
        _check_depth(value)
    if _needs_look(source, text=text) and any(string_faults(s, text=text) for s in _strings(value)):
        raise ValueError("a string is refused")
    return value


def _needs_look(source: str, *, text: bool) -> bool:
    """Whether a decoded string may hold what the source doesn't show."""
    if text:
        return "\\" in source or len(source) > MAX_STRING
    return _SURROGATE_ESCAPE.search(source) is not None


def _strings(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        yield from value
        for member in value.values():
            yield from _strings(member)


def _object(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("duplicate key")
    return value


def _quick_integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS or digits == "-0" or not -INTEGER_LIMIT < (value := int(digits)) < INTEGER_LIMIT:
        raise ValueError(digits[:_MAX_DIGITS])
    return value


def _refuse(number: str) -> NoReturn:
    raise ValueError(number)


def _check_depth(value: JsonValue) -> None:
    level = _filled([value])
    for _ in range(MAX_DEPTH - 1):
        level = [part for whole in level for part in _filled(_parts(whole))]
        if not level:  # most containers are empty, and only one in a full one can be too deep
            return
    if any(isinstance(part, _CONTAINERS) for whole in level for part in _parts(whole)):
        raise ValueError("too deep")


def _filled(values: Iterable[JsonValue]) -> list[JsonObject | list[JsonValue]]:
    return [v for v in values if v and isinstance(v, _CONTAINERS)]


def _parts(whole: JsonObject | list[JsonValue]) -> Iterable[JsonValue]:
    return whole.values() if isinstance(whole, dict) else whole


class Scanner:
    """Reads one JSON text, noting what is wrong as long as reading can go on."""

    def __init__(self, source: Source, *, text: bool) -> None:
        self._text = source.text
        self._visible = text
        self._findings = Findings(source)
        self._at = 0
        self._nodes = 0

    def read(self) -> tuple[JsonValue, Mark]:
        """The value and its marks.

        Raises:
            InvalidInputError: the text is refused; every problem up to the first syntax error is listed.
        """
        self._space()
        if self._at == len(self._text):
            self._findings.stop(EMPTY, "the document is empty", 0)
        found = self._value(None, 0)
        self._space()
        if self._at < len(self._text):
            self._syntax("expected the end of the document")
        self._findings.settle()
        return found

    def _space(self) -> str:
        """Skip white space; the character there, or nothing at the end."""
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return self._text[self._at : self._at + 1]

    def _syntax(self, message: str) -> NoReturn:
        here = self._text[self._at : self._at + 1]
        found = f", found {shown(here)}" if here else ", found the end"
        self._findings.stop(SYNTAX, message + found, self._at)

    def _value(self, key: tuple[int, int] | None, depth: int) -> tuple[JsonValue, Mark]:
        first, start = self._space(), self._at
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._findings.stop(TOO_MANY_NODES, f"more than {MAX_NODES} values", start)
        if first in {"{", "["}:
            if depth >= MAX_DEPTH:
                self._findings.stop(TOO_DEEP, f"nested deeper than {MAX_DEPTH} levels", start)
            self._at += 1
            read = self._members if first == "{" else self._items
            value, parts = read(depth + 1)
            return value, Mark(start, start + 1, key, parts)
        scalar = self._string() if first == '"' else self._number_or_word()
        return scalar, Mark(start, self._at, key, {})

    def _items(self, depth: int) -> tuple[JsonValue, dict[str, Mark]]:
        items: list[JsonValue] = []
        parts: dict[str, Mark] = {}
        if self._space() == "]":
            self._at += 1
            return items, parts
        while True:
            item, mark = self._value(None, depth)
            parts[str(len(items))] = mark
            items.append(item)
            if self._ends("]"):
                return items, parts

    def _members(self, depth: int) -> tuple[JsonValue, dict[str, Mark]]:
        members: JsonObject = {}
        parts: dict[str, Mark] = {}
        if self._space() == "}":
            self._at += 1
            return members, parts
        while True:
            name, key = self._key(parts)
            member, mark = self._value(key, depth)
            members.setdefault(name, member)
            parts.setdefault(name, mark)
            if self._ends("}"):
                return members, parts

    def _ends(self, bracket: str) -> bool:
        """Past a comma or past the closing bracket."""
        if (found := self._space()) not in {",", bracket} or not found:
            self._syntax(f"expected , or {bracket}")
        self._at += 1
        return found == bracket

    def _key(self, known: dict[str, Mark]) -> tuple[str, tuple[int, int]]:
        if self._space() != '"':
            self._syntax("expected a key in double quotes")
        start = self._at
        name = self._string()
        end = self._at
        if name in known:
            self._findings.duplicate_key(name, start, known[name].start_of_key)
        if self._space() != ":":
            self._syntax("expected :")
        self._at += 1
        return name, (start, end)

    def _string(self) -> str:
        start = self._at
        match = _STRING.match(self._text, start)
        self._at = match.end() if match else start
        if (found := self._text[self._at : self._at + 1]) != '"':
            messages = {"": "a string has no end", "\\": "no escape that JSON knows"}
            self._syntax(messages.get(found, "a control character in a string must be escaped"))
        self._at += 1
        decoded: str = json.loads(self._text[start : self._at])
        self._findings.check_string(decoded, start, text=self._visible)
        return decoded

    def _number_or_word(self) -> JsonValue:
        start = self._at
        if (match := _NUMBER.match(self._text, start)) is not None:
            self._at = match.end()
            return self._integer(match[0], start)
        match = _WORD.match(self._text, start)
        word = match[0] if match else ""
        if word not in _WORDS and word not in _NO_NUMBERS:
            self._syntax("expected a value")
        self._at = start + len(word)
        if word in _NO_NUMBERS:
            self._findings.add(NOT_AN_INTEGER, f"{word} is no JSON value", start, "write an integer")
        return _WORDS.get(word)

    def _integer(self, number: str, start: int) -> int:
        if not _INTEGER.match(number) or number == "-0":
            hint = "write an integer, or a string if it is text"
            self._findings.add(NOT_AN_INTEGER, f"{shown(number)} is no integer in its plain form", start, hint)
            return 0
        if len(number) > _MAX_DIGITS or abs(value := int(number)) >= INTEGER_LIMIT:
            self._findings.add(INTEGER_RANGE, f"{shown(number)} is outside ±10^15", start, "write a smaller integer")
            return 0
        return value
