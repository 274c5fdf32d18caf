from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.foundation.document.load import load_document, load_json, load_yaml, parse_json
from bspec_opa.foundation.document.text import Source, shown
from bspec_opa.foundation.errors import InvalidInputError, Location

if TYPE_CHECKING:
    from collections.abc import Callable

    Load = Callable[[bytes, str], object]

HIDDEN = [
    *("\x00", "\x01", "\x08", "\x0b", "\x0c", "\x0e", "\x1b", "\x1f", "\x7f", "\x80", "\x85", "\x9f"),
    *("\u2028", "\u2029", "\ufeff", "\u200b", "\u200c", "\u200d", "\u2060", "\u00ad", "\u034f", "\u180e"),
    *("\u061c", "\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e"),
    *("\u2066", "\u2067", "\u2068", "\u2069", "\u115f", "\u3164", "\uffa0", "\ufe0f", "\ufff9", "\uffff"),
    *("\U000e0041", "\U000e0100", "\U0001d173"),
]
LOADS: list[Load] = [load_yaml, load_json, load_document, parse_json]


def refusal(load: Load, data: bytes) -> list[tuple[str, Location | None]]:
    with pytest.raises(InvalidInputError) as caught:
        load(data, "f")
    return [(p.reason.code, p.location) for p in caught.value.problems]


@pytest.mark.attack("A37")
@pytest.mark.attack("A89")
@pytest.mark.parametrize("character", HIDDEN, ids=lambda c: f"U+{ord(c):04X}")
@pytest.mark.parametrize("load", LOADS)
def test_hidden_characters_are_refused_where_they_stand(load: Load, character: str) -> None:
    data = f'{{\n"k": "ab{character}c"}}'.encode()
    assert refusal(load, data) == [("document.hidden-character", Location("f", 2, 9))]


@pytest.mark.attack("A37")
@pytest.mark.attack("A89")
@pytest.mark.parametrize("character", HIDDEN, ids=lambda c: f"U+{ord(c):04X}")
@pytest.mark.parametrize("load", LOADS)
def test_hidden_characters_are_refused_as_escapes_too(load: Load, character: str) -> None:
    units = character.encode("utf-16-be")
    escaped = "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
    if load is load_yaml and len(units) > 2:
        escaped = f"\\U{ord(character):08x}"
    for place in ('{"k": "a%s"}', '{"a%s": 1}', '[["a%s"]]'):
        ((code, location),) = refusal(load, (place % escaped).encode())
        assert code == "document.hidden-character"
        assert location is not None
        assert location.column == place.index('"a') + 1


@pytest.mark.attack("A89")
@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029", "\r"])
def test_a_hidden_line_break_makes_no_key(separator: str) -> None:
    assert refusal(load_yaml, f"a: b # note{separator}admin: x\n".encode()) == [
        ("document.hidden-character", Location("f", 1, 12))
    ]


@pytest.mark.parametrize("data", [b"a:\tb", b"a: b\t# c", b"\ta: b", b'a: "b\tc"', b'a: "b\\tc"', b"a: |\n  b\tc\n"])
def test_tabs_are_refused_in_yaml(data: bytes) -> None:
    ((code, _),) = refusal(load_yaml, data)
    assert code == "document.hidden-character"


def test_tabs_between_the_tokens_of_json_are_harmless() -> None:
    assert parse_json(b'{\n\t"a":\t1\t}\n', "f") == {"a": 1}
    assert refusal(parse_json, b'{"a": "\\t"}') == [("document.hidden-character", Location("f", 1, 7))]


def test_a_carriage_return_needs_its_line_feed() -> None:
    assert load_yaml(b"a: b\r\nc: |\r\n  d\r\n", "f").value == {"a": "b", "c": "d\n"}
    assert parse_json(b'{"a":\r\n"b\\r\\n"}\r\n', "f") == {"a": "b\r\n"}
    assert refusal(load_yaml, b"a: b\n\rc: d\n") == [("document.hidden-character", Location("f", 2, 1))]
    assert refusal(parse_json, b'["\\r"]') == [("document.hidden-character", Location("f", 1, 2))]


@pytest.mark.attack("A37")
@pytest.mark.parametrize("load", LOADS)
def test_another_normal_form_is_refused_where_it_departs(load: Load) -> None:
    data = '{"ok": "\u00e9",\n "k": "abe\u0301"}'.encode()
    assert refusal(load, data) == [("document.not-nfc", Location("f", 2, 10))]
    assert refusal(load, b'{"e\\u0301": 1}') == [("document.not-nfc", Location("f", 1, 2))]


def test_a_difference_at_the_end_of_a_line_has_a_place() -> None:
    assert refusal(load_yaml, "a: \u0958".encode()) == [("document.not-nfc", Location("f", 1, 4))]
    assert refusal(load_yaml, "a: \u0344".encode()) == [("document.not-nfc", Location("f", 1, 4))]


@pytest.mark.attack("A37")
def test_machine_documents_may_hold_any_character() -> None:
    family = "\U0001f468\u200d\U0001f469 \u202e e\u0301 \x7f"
    assert parse_json(f'["{family}", "\\t\\u0000"]'.encode(), "f", text=False) == [family, "\t\0"]
    assert load_json(f'["{family}"]'.encode(), "f", text=False).value == [family]


@pytest.mark.parametrize("load", LOADS)
def test_all_hidden_characters_of_a_file_are_listed_up_to_a_limit(load: Load) -> None:
    found = refusal(load, '{"a": "\u200b",\n "b": "\u200be\u0301"}'.encode())
    assert found == [
        ("document.hidden-character", Location("f", 1, 8)),
        ("document.hidden-character", Location("f", 2, 8)),
        ("document.not-nfc", Location("f", 2, 9)),
    ]
    assert len(refusal(load, b'["' + b"\x7f" * 1000 + b'"]')) == 50


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize(
    ("data", "column"), [(b"[\n\xc3\xa9\xff]", 2), (b"[\n\xc0\x80]", 1), (b"[\n\xed\xa0\x80]", 1), (b"[\n'\xc3", 2)]
)
def test_what_is_no_utf8_is_refused_where_it_starts(load: Load, data: bytes, column: int) -> None:
    assert refusal(load, data) == [("document.not-utf8", Location("f", 2, column))]


@pytest.mark.parametrize("load", LOADS)
def test_a_byte_order_mark_is_refused(load: Load) -> None:
    assert refusal(load, b'\xef\xbb\xbf{"a": 1}') == [("document.byte-order-mark", Location("f", 1, 1))]


@pytest.mark.parametrize("load", [load_yaml, load_json, load_document])
def test_a_document_over_the_limit_is_refused_unread(load: Load) -> None:
    assert refusal(load, b"[" + b" " * 1024 * 1024) == [("document.too-large", Location("f"))]
    assert refusal(lambda d, n: parse_json(d, n, limit=1), b"[]") == [("document.too-large", Location("f"))]


@pytest.mark.attack("A66")
@pytest.mark.parametrize("load", LOADS)
def test_a_string_over_the_limit_is_refused(load: Load) -> None:
    longest = "a" * 65_536
    load(f'["{longest}"]'.encode(), "f")
    assert refusal(load, f'["", "{longest}a"]'.encode()) == [("document.too-long", Location("f", 1, 6))]
    assert parse_json(f'["{longest}a"]'.encode(), "f", text=False) == [longest + "a"]


@given(st.lists(st.text("ab\u00e9\U0001f600", max_size=3), min_size=1), st.sampled_from(["\n", "\r\n"]))
def test_lines_and_places_agree_with_splitting(lines: list[str], end: str) -> None:
    source = Source("f", end.join(lines))
    assert [source.line(n + 1) for n in range(len(lines))] == lines
    assert (source.line(0), source.line(len(lines) + 1)) == ("", "")
    for offset, character in enumerate(source.text):
        place = source.place(offset)
        assert place.line is not None
        assert place.column is not None
        if character not in end:
            assert source.line(place.line)[place.column - 1] == character


def test_what_messages_show_is_short_and_harmless() -> None:
    assert shown("a\x1b[0m\u202e\n") == '"a\\u001b[0m\\u202e\\u000a"'
    assert shown("a" * 1000) == '"' + "a" * 60 + '…"'


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=8))
def test_accepted_text_is_visible_and_normalized(text: str) -> None:
    try:
        value = parse_json(f'"{text}"'.encode(), "f")
    except InvalidInputError:
        return
    assert isinstance(value, str)
    assert unicodedata.normalize("NFC", value) == value
    assert not {unicodedata.category(c) for c in value} & {"Cc", "Zl", "Zp"} - ({"Cc"} if "\n" in value else set())
