"""Characters before meaning: UTF-8, nothing that a reviewer can't see, one normalization form.

Refused are the C0 and C1 controls and DEL, lines that end with anything but LF or CRLF (U+0085, U+2028 and U+2029
are line breaks to some parsers only), everything that Unicode calls default-ignorable (bidirectional controls,
zero-width characters, fillers, tags, variation selectors) and the noncharacters U+FFFE and U+FFFF. The same holds
for decoded strings, since an escape can carry what the file doesn't show. TAB is refused as well: in YAML it looks
like indentation and is none; only between the tokens of JSON it is harmless and accepted.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING

from bspec_opa.foundation.document.reasons import (
    BYTE_ORDER_MARK,
    DUPLICATE_KEY,
    HIDDEN_CHARACTER,
    LONE_SURROGATE,
    NOT_NFC,
    NOT_UTF8,
    TOO_LARGE,
    TOO_LONG,
)
from bspec_opa.foundation.errors import Location, Problem, error_of
from bspec_opa.foundation.limits import MAX_STRING

if TYPE_CHECKING:
    from typing import NoReturn

    from bspec_opa.foundation.errors import Reason

MAX_PROBLEMS = 50
"""So many problems of one document are listed; then reading stops."""

_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
# DerivedCoreProperties.txt, Default_Ignorable_Code_Point, with U+FEFF; then line separators and noncharacters.
IGNORABLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_BREAKS = r"\u2028\u2029\ufffe\uffff"
_LONE_CR = r"\r(?!\n)"
_HIDDEN = re.compile(f"[{_CONTROLS}{IGNORABLE}{_BREAKS}\t]|{_LONE_CR}")
_HIDDEN_IN_JSON = re.compile(f"[{_CONTROLS}{IGNORABLE}{_BREAKS}]|{_LONE_CR}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNPRINTABLE = re.compile(f"[{_CONTROLS}{IGNORABLE}{_BREAKS}\t\r\n\ud800-\udfff]")
_SHOWN = 60


class Source:
    """The characters of a document and the lines they stand on. Offsets and columns count characters."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(m.end() for m in re.finditer("\n", self.text))]

    def place(self, offset: int) -> Location:
        """The line and column, from 1, of an offset."""
        line = bisect_right(self._starts, offset)
        return Location(self.name, line, offset - self._starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """A line without its end; empty if there is no such line."""
        if not 1 <= number <= len(self._starts):
            return ""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].removesuffix("\r")

    def rest_of_line(self, offset: int) -> str:
        """The characters from an offset to the end of its line."""
        place = self.place(offset)
        return self.line(place.line or 1)[(place.column or 1) - 1 :]


class Findings:
    """Collects the problems of one document, in the order in which they are found."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._problems: list[Problem] = []

    def add(self, reason: Reason, message: str, offset: int, hint: str = "") -> None:
        """Note a problem; reading may go on.

        Raises:
            InvalidInputError: these are enough.
        """
        self._problems.append(reason.problem(message, hint=hint, at=self.source.place(offset)))
        if len(self._problems) >= MAX_PROBLEMS:
            self.settle()

    def stop(self, reason: Reason, message: str, offset: int, hint: str = "") -> NoReturn:
        """Give up, with everything noted so far.

        Raises:
            InvalidInputError: always.
        """
        raise error_of([*self._problems, reason.problem(message, hint=hint, at=self.source.place(offset))])

    def settle(self) -> None:
        """Accept if nothing was noted.

        Raises:
            InvalidInputError: something was.
        """
        if self._problems:
            raise error_of(self._problems)

    def duplicate_key(self, name: str, offset: int, first: int) -> None:
        """Note a key that its object already has."""
        line = self.source.place(first).line
        self.add(DUPLICATE_KEY, f"duplicate key {shown(name)}, first in line {line}", offset, "keep one of them")

    def check_string(self, decoded: str, offset: int, *, text: bool) -> None:
        """Look at a decoded key or string: what an escape may not smuggle in, and the length."""
        for reason, message in string_faults(decoded, text=text):
            self.add(reason, message, offset, reason.remedy)


def string_faults(decoded: str, *, text: bool) -> list[tuple[Reason, str]]:
    """What is wrong with a decoded key or string."""
    if decoded.isascii() and decoded.isprintable() and len(decoded) <= MAX_STRING:
        return []
    if (half := _SURROGATE.search(decoded)) is not None:
        return [(LONE_SURROGATE, f"the string holds {_name(half[0])}, half of a character")]
    return _text_faults(decoded) if text else []


def _text_faults(decoded: str) -> list[tuple[Reason, str]]:
    found = []
    if len(decoded) > MAX_STRING:
        found.append((TOO_LONG, f"the string has more than {MAX_STRING} characters"))
    if (hidden := _HIDDEN.search(decoded)) is not None:
        found.append((HIDDEN_CHARACTER, f"the string holds {_name(hidden[0])}"))
    if not unicodedata.is_normalized("NFC", decoded):
        found.append((NOT_NFC, "the string is not in normalization form C"))
    return found


def decode(data: bytes, name: str, limit: int) -> str:
    """Bytes as text.

    Raises:
        InvalidInputError: over the limit, not UTF-8, or with a byte order mark.
    """
    if len(data) > limit:
        raise TOO_LARGE.error(f"larger than {limit} bytes", hint="make it smaller", at=Location(name))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as e:
        before = data[: e.start].decode("utf-8")
        at = Source(name, before).place(len(before))
        raise NOT_UTF8.error("is not UTF-8 from here on", hint="save it as UTF-8", at=at) from e
    if text.startswith("\ufeff"):
        raise BYTE_ORDER_MARK.error("starts with a byte order mark", hint="save without BOM", at=Location(name, 1, 1))
    return text


def check_visible(source: Source, *, json: bool = False) -> None:
    """Refuse a text with characters that a reviewer can't see or that have a twin.

    Raises:
        InvalidInputError: it has some; the first ones are listed.
    """
    if source.text.isascii() and (source.text.isprintable() or not _HIDDEN.search(source.text)):
        return
    findings = Findings(source)
    pattern = _HIDDEN_IN_JSON if json else _HIDDEN
    for match in pattern.finditer(source.text):
        findings.add(HIDDEN_CHARACTER, f"{_name(match[0])} is not allowed", match.start(), _hint(match[0]))
    if not unicodedata.is_normalized("NFC", source.text):
        for offset in _denormal(source.text):
            findings.add(NOT_NFC, "not in normalization form C", offset, "normalize the file to NFC")
    findings.settle()


def _denormal(text: str) -> list[int]:
    """Where each line with another normal form departs from it."""
    found, start = [], 0
    for line in text.split("\n"):
        if not unicodedata.is_normalized("NFC", line):
            normal = unicodedata.normalize("NFC", line)
            found.append(start + next((i for i, (a, b) in enumerate(zip(line, normal, strict=False)) if a != b), 0))
        start += len(line) + 1
    return found


def _hint(character: str) -> str:
    return "use spaces" if character == "\t" else "end lines with LF or CRLF" if character == "\r" else "remove it"


def _name(character: str) -> str:
    known = unicodedata.name(character, "")
    if _SURROGATE.match(character):
        return f"U+{ord(character):04X}"
    words = {"\t": "TAB", "\r": "a lone carriage return"}.get(character) or known or "a control character"
    return f"{words} (U+{ord(character):04X})"


def shown(text: str) -> str:
    """Text from a document, quoted, shortened and harmless on a terminal."""
    safe = _UNPRINTABLE.sub(lambda m: f"\\u{ord(m[0]):04x}", text[:_SHOWN])
    return f'"{safe}{"…" if len(text) > _SHOWN else ""}"'
