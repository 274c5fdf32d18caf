"""The subset of YAML 1.2 that has one reading: JSON types, one document, nothing that refers, merges or tags.

PyYAML's own parser in Python yields events as they are read, so that nesting stops at the limit (it is quadratic in
open brackets); its resolver and constructor, which follow YAML 1.1, take no part. The C parser is left alone: it isn't
there in every installation, and the two differ in details of what they accept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from yaml import YAMLError
from yaml.error import MarkedYAMLError
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from bspec_opa.foundation.document.document import Mark
from bspec_opa.foundation.document.reasons import (
    AMBIGUOUS_SCALAR,
    ANCHOR,
    DIRECTIVE,
    EMPTY,
    EMPTY_VALUE,
    INTEGER_RANGE,
    KEY_NOT_STRING,
    MERGE_KEY,
    SEVERAL_DOCUMENTS,
    SYNTAX,
    TAG,
    TOO_DEEP,
    TOO_MANY_NODES,
)
from bspec_opa.foundation.document.scalars import INTEGER, MERGE, WORDS, other_reading
from bspec_opa.foundation.document.text import Findings, shown
from bspec_opa.foundation.limits import INTEGER_LIMIT, MAX_DEPTH, MAX_NODES

if TYPE_CHECKING:
    from yaml.events import Event

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.document.text import Source

_MAX_DIGITS = 16
_QUOTE = "quote it if it is text"
_QUOTE_FIRST = "quote text that starts with a special character"
_HINTS = {
    "while scanning for the next token": _QUOTE_FIRST,
    "while scanning a block scalar": _QUOTE_FIRST,
    "while scanning an alias": _QUOTE_FIRST,
    "while scanning an anchor": _QUOTE_FIRST,
    "while scanning a tag": _QUOTE_FIRST,
    "mapping values are not allowed here": "quote text that holds a colon and a space",
}


class _Events(Reader, Scanner, Parser):
    """PyYAML up to its events."""

    def __init__(self, findings: Findings) -> None:
        Reader.__init__(self, findings.source.text)
        Scanner.__init__(self)
        Parser.__init__(self)
        self._findings = findings

    def fetch_directive(self) -> NoReturn:
        """Refuse directives where they stand; unknown ones would never become an event."""
        self._findings.stop(DIRECTIVE, "directives are not allowed", self.index, "remove the line")

    def fetch_key(self) -> None:
        """Refuse ``{?a: b}``, whose key is "a" in YAML 1.1 and "?a" in 1.2."""
        if self.flow_level and self.peek(1) not in " \r\n":
            self._findings.stop(AMBIGUOUS_SCALAR, "a key starts with ?", self.index, "quote it")
        super().fetch_key()

    def scan_to_next_token(self) -> None:
        """Refuse a comment right after a token, which YAML 1.2 doesn't know."""
        if self.peek() == "#" and self.pointer and self.buffer[self.pointer - 1] not in " \r\n":
            self._findings.stop(SYNTAX, "a comment needs a space before it", self.index)
        super().scan_to_next_token()

    def next(self) -> Event:
        """The next event.

        Raises:
            InvalidInputError: what follows is no YAML.
        """
        try:
            return self.get_event()  # type: ignore[no-untyped-call, no-any-return]
        except MarkedYAMLError as e:
            mark = e.problem_mark or e.context_mark
            hint = _HINTS.get(e.context or e.problem or "", "")
            self._findings.stop(SYNTAX, _what(e), mark.index if mark else self.index, hint)
        except (YAMLError, ValueError, OverflowError):
            self._findings.stop(SYNTAX, "not a character of YAML", self.index)  # such as the escape \UFFFFFFFF


def _what(error: MarkedYAMLError) -> str:
    return f"{error.context}: {error.problem}" if error.context else str(error.problem)


class YamlReader:
    """Reads one YAML text, noting what is wrong as long as reading can go on."""

    def __init__(self, source: Source) -> None:
        self._findings = Findings(source)
        self._events = _Events(self._findings)
        self._nodes = 0

    def read(self) -> tuple[JsonValue, Mark]:
        """The value and its marks.

        Raises:
            InvalidInputError: the text is refused; every problem up to the first syntax error is listed.
        """
        self._events.next()
        event = self._events.next()
        if not isinstance(event, DocumentStartEvent):
            self._findings.stop(EMPTY, "the document is empty", 0)
        event = self._events.next()
        if _is_empty(event):
            self._findings.stop(EMPTY, "the document is empty", _start(event))
        found = self._node(event, None, 0)
        self._events.next()
        event = self._events.next()
        if not isinstance(event, StreamEndEvent):
            self._findings.stop(SEVERAL_DOCUMENTS, "a second document starts here", _start(event), "keep one per file")
        self._findings.settle()
        return found

    def _node(self, event: Event, key: tuple[int, int] | None, depth: int) -> tuple[JsonValue, Mark]:
        start = _start(event)
        self._count(start)
        self._check_properties(event, start)
        if isinstance(event, ScalarEvent):
            return self._scalar(event, start), Mark(start, _end(event), key, {})
        if not isinstance(event, MappingStartEvent | SequenceStartEvent):
            return None, Mark(start, start + 1, key, {})
        if depth >= MAX_DEPTH:
            self._findings.stop(TOO_DEEP, f"nested deeper than {MAX_DEPTH} levels", start)
        read = self._members if isinstance(event, MappingStartEvent) else self._items
        value, parts = read(depth + 1)
        return value, Mark(start, start + 1, key, parts)

    def _count(self, start: int) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._findings.stop(TOO_MANY_NODES, f"more than {MAX_NODES} values", start)

    def _check_properties(self, event: Event, start: int) -> None:
        if isinstance(event, AliasEvent):
            self._findings.add(ANCHOR, f"alias {shown(f'*{event.anchor}')}", start, "write the value out")
            return
        if isinstance(event, NodeEvent) and event.anchor is not None:
            self._findings.add(ANCHOR, f"anchor {shown(f'&{event.anchor}')}", start, "write the value out")
        if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
            self._findings.add(TAG, f"tag {shown(event.tag)}", start, "remove it")

    def _items(self, depth: int) -> tuple[JsonValue, dict[str, Mark]]:
        items: list[JsonValue] = []
        parts: dict[str, Mark] = {}
        while not isinstance(event := self._events.next(), SequenceEndEvent):
            item, mark = self._node(event, None, depth)
            parts[str(len(items))] = mark
            items.append(item)
        return items, parts

    def _members(self, depth: int) -> tuple[JsonValue, dict[str, Mark]]:
        members: JsonObject = {}
        parts: dict[str, Mark] = {}
        while not isinstance(event := self._events.next(), MappingEndEvent):
            name, key = self._key(event, depth)
            if name in parts:
                self._findings.duplicate_key(name, key[0], parts[name].start_of_key)
            member, mark = self._node(self._events.next(), key, depth)
            if name is not None:
                members.setdefault(name, member)
                parts.setdefault(name, mark)
        return members, parts

    def _key(self, event: Event, depth: int) -> tuple[str | None, tuple[int, int]]:
        """A key's name, or nothing if it has none that counts, and its offsets."""
        start = _start(event)
        if not isinstance(event, ScalarEvent):
            self._findings.add(KEY_NOT_STRING, "a key must be a string", start, "write key: value")
            self._node(event, None, depth)
            return None, (start, start + 1)
        self._check_properties(event, start)
        self._findings.check_string(event.value, start, text=True)
        if event.style is None and not self._is_plain_name(event.value, start):
            return None, (start, _end(event))
        return event.value, (start, _end(event))

    def _is_plain_name(self, name: str, start: int) -> bool:
        if name == MERGE:
            self._findings.add(MERGE_KEY, "merge keys are not allowed", start, "write the members out")
        elif name == "" or name in WORDS or INTEGER.fullmatch(name):
            self._findings.add(KEY_NOT_STRING, f"key {shown(name)} is no string", start, "quote it")
        elif kind := other_reading(name):
            self._findings.add(AMBIGUOUS_SCALAR, f"key {shown(name)} is {kind} to some parsers", start, "quote it")
        else:
            return True
        return False

    def _scalar(self, event: ScalarEvent, start: int) -> JsonValue:
        text: str = event.value
        self._findings.check_string(text, start, text=True)
        if event.style is not None:
            if event.style in "|>":
                self._check_block(start, _end(event))
            return text
        if text in WORDS:
            return WORDS[text]
        if INTEGER.fullmatch(text):
            return self._integer(text, start)
        if text == "":
            self._findings.add(EMPTY_VALUE, "no value", start, 'write one, [], {} or "", or remove the key')
        elif kind := other_reading(text):
            self._findings.add(AMBIGUOUS_SCALAR, f"{shown(text)} is {kind} to some parsers", start, _QUOTE)
        return text

    def _check_block(self, start: int, end: int) -> None:
        """Refuse what parsers end differently: a block scalar at the top, and a kept line that has no end."""
        source = self._findings.source.text
        if self._nodes == 1:
            self._findings.add(AMBIGUOUS_SCALAR, "a block scalar can't be the whole document", start, "quote the text")
        elif end == len(source) and not source.endswith("\n") and "-" not in source[start : start + 3]:
            message = "the file ends inside a block scalar"
            self._findings.add(AMBIGUOUS_SCALAR, message, start, "end the file with a line break")

    def _integer(self, digits: str, start: int) -> int:
        if len(digits) > _MAX_DIGITS or abs(value := int(digits)) >= INTEGER_LIMIT:
            self._findings.add(INTEGER_RANGE, f"{shown(digits)} is outside ±10^15", start, _QUOTE)
            return 0
        return value


def _is_empty(event: Event) -> bool:
    return isinstance(event, ScalarEvent) and event.style is None and event.value == ""


def _start(event: Event) -> int:
    mark = event.start_mark
    return mark.index if mark is not None else 0


def _end(event: Event) -> int:
    mark = event.end_mark
    return mark.index if mark is not None else 0
