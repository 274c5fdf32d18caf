from __future__ import annotations

import contextlib
import json
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bspec_opa.foundation.document.json_text import Scanner, parse_quickly
from bspec_opa.foundation.document.load import load_json, parse_json
from bspec_opa.foundation.document.text import Source, check_visible
from bspec_opa.foundation.errors import InvalidInputError, Location

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonValue


def refusals(data: bytes, *, text: bool = True) -> list[tuple[str, int | None, int | None]]:
    with pytest.raises(InvalidInputError) as caught:
        parse_json(data, "f", text=text)
    places = [(p.reason.code, p.location or Location("")) for p in caught.value.problems]
    return [(code, at.line, at.column) for code, at in places]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"null", None),
        (b" true\n", True),
        (b"[false]", [False]),
        (b'""', ""),
        (b"0", 0),
        (b"-1", -1),
        (b"[ ]", []),
        (b"{ }", {}),
        (b"999999999999999", 10**15 - 1),
        (b"-999999999999999", 1 - 10**15),
        (b'"\\ud83d\\ude00\\/\\"\\\\"', '\U0001f600/"\\'),
        (b'{"a": [1, {"b": null}], "c": "d"}', {"a": [1, {"b": None}], "c": "d"}),
    ],
)
def test_json_is_read(data: bytes, value: JsonValue) -> None:
    assert parse_json(data, "f") == value
    assert Scanner(Source("f", data.decode()), text=True).read()[0] == value


@pytest.mark.parametrize(
    ("data", "column"),
    [
        (b"{,}", 2),
        (b"[1,]", 4),
        (b"[1 2]", 4),
        (b'{"a":1,}', 8),
        (b'{"a" 1}', 6),
        (b"{a:1}", 2),
        (b"{'a':1}", 2),
        (b'{"a":}', 6),
        (b"[1] x", 5),
        (b"[] []", 4),
        (b"[", 2),
        (b'{"a"', 5),
        (b'{"a":1', 7),
        (b'["a', 4),
        (b'["\\x"]', 3),
        (b'["\\u12g4"]', 3),
        (b'["\\', 3),
        (b'["a\tb"]', 4),
        (b'["a\nb"]', 4),
        (b"[01]", 3),
        (b"[-]", 2),
        (b"[+1]", 2),
        (b"[.5]", 2),
        (b"[1.]", 3),
        (b"[0x10]", 3),
        (b"[True]", 2),
        (b"[nul]", 2),
        (b"[// c\n1]", 2),
        (b"[1]\x20#", 5),
        ("[\u0661]".encode(), 2),
        ("[\u00a01]".encode(), 2),
    ],
)
def test_anything_past_rfc_8259_is_refused_where_it_starts(data: bytes, column: int) -> None:
    assert refusals(data) == [("document.syntax", 1, column)]
    assert refusals(data, text=False) == [("document.syntax", 1, column)]


@pytest.mark.parametrize("data", [b"", b" \n "])
def test_an_empty_document_is_refused(data: bytes) -> None:
    assert refusals(data) == [("document.empty", 1, 1)]


@pytest.mark.attack("A33")
@pytest.mark.parametrize(
    ("data", "column"),
    [
        (b'{"a": 1, "a": 1}', 10),
        (b'{"a": 1, "\\u0061": 2}', 10),
        (b'{"\\u0061": 1, "b": 0, "a": 2}', 23),
        (b'[{"x": {"a": 1, "a": 2}}]', 17),
    ],
)
def test_duplicate_keys_are_refused_at_the_second(data: bytes, column: int) -> None:
    assert refusals(data) == [("document.duplicate-key", 1, column)]
    assert refusals(data, text=False) == [("document.duplicate-key", 1, column)]


@pytest.mark.attack("A33")
def test_a_duplicate_key_names_the_line_of_the_first() -> None:
    with pytest.raises(InvalidInputError, match='f:3:1: duplicate key "a", first in line 2'):
        parse_json(b'{\n"a": 1,\n"a": 2}', "f")


@pytest.mark.attack("A38")
@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1.0", "0.5", "1e2", "1E2", "1e400", "-0", "-0.0", "1e-7", "1.5e3"]
)
def test_numbers_that_are_no_plain_integers_are_refused(number: str) -> None:
    assert refusals(f"[1, {number}]".encode(), text=False) == [("document.not-an-integer", 1, 5)]


@pytest.mark.attack("A38")
@pytest.mark.parametrize("number", [10**15, -(10**15), 2**53 + 1, 10**17, -(10**40)])
def test_integers_out_of_range_are_refused(number: int) -> None:
    assert refusals(f"[{number}]".encode(), text=False) == [("document.integer-range", 1, 2)]


@pytest.mark.attack("A38")
def test_an_integer_of_many_digits_is_refused_and_not_converted() -> None:
    assert refusals(b"9" * 100_000) == [("document.integer-range", 1, 1)]


@pytest.mark.parametrize("data", [b'["\\ud800"]', b'["\\ude00\\ud83d"]', b'["\\uD83D\\u0041"]'])
@pytest.mark.parametrize("text", [True, False])
def test_half_a_surrogate_pair_is_refused(data: bytes, text: bool) -> None:
    assert refusals(data, text=text) == [("document.lone-surrogate", 1, 2)]


def test_half_a_surrogate_pair_in_a_key_is_refused() -> None:
    assert refusals(b'{"a": {"\\udfff": 1}}', text=False) == [("document.lone-surrogate", 1, 8)]


def test_everything_wrong_is_listed_up_to_the_first_syntax_error() -> None:
    data = b'{"a": 1.5,\n "a": -0,\n "b": ["\\ud800", NaN, 1000000000000000,\n ?'
    assert refusals(data) == [
        ("document.not-an-integer", 1, 7),
        ("document.duplicate-key", 2, 2),
        ("document.not-an-integer", 2, 7),
        ("document.lone-surrogate", 3, 8),
        ("document.not-an-integer", 3, 18),
        ("document.integer-range", 3, 23),
        ("document.syntax", 4, 2),
    ]


def test_at_most_fifty_problems_are_listed() -> None:
    assert len(refusals(b"[" + b"1.5," * 1000 + b"1]")) == 50


@pytest.mark.attack("A66")
@pytest.mark.parametrize("text", [True, False])
def test_nesting_stops_at_the_limit(text: bool) -> None:
    assert parse_json(b"[" * 64 + b"]" * 64, "f", text=text) is not None
    assert parse_json(b"[" + b"[1]," * 100 + b"{}]", "f", text=text) is not None
    assert refusals(b"[" * 65 + b"]" * 65, text=text) == [("document.too-deep", 1, 65)]
    assert refusals(b'{"a":' * 65 + b"1" + b"}" * 65, text=text) == [("document.too-deep", 1, 321)]
    for bomb in (b"[" * 500_000, b'{"a":' * 200_000, b'[{"a":' * 100_000):
        assert [code for code, _, _ in refusals(bomb, text=text)] == ["document.too-deep"]


@pytest.mark.attack("A66")
def test_too_many_values_are_refused() -> None:
    assert parse_json(b"[" + b"1," * 199_998 + b"1]", "f") is not None
    assert refusals(b"[" + b"1," * 199_999 + b"1]") == [("document.too-many-nodes", 1, 400_000)]


@pytest.mark.attack("A66")
def test_commas_in_strings_are_no_values() -> None:
    assert parse_json(b"[" + b'",,,,",' * 60_000 + b"0]", "f") is not None


# Pieces that are likely to make JSON, nearly JSON, and what lenient readers take for JSON.
PIECES = [
    *('{"a":', '{"b":', ',"a":', ',"\\u0061":', "{", "}", "[", "]", ",", ":", '"', '"a"', '"\\ud83d', '\\ude00"'),
    *(
        '"\\n"',
        '"\\t"',
        '"\\u200b"',
        "0",
        "-0",
        "-",
        "1",
        "12",
        "1.5",
        "1e3",
        "E",
        "999999999999999",
        "9999999999999999",
    ),
    *(
        "true",
        "false",
        "null",
        "NaN",
        "Infinity",
        " ",
        "\n",
        "\t",
        "\r",
        "\x0c",
        "\x00",
        "\u0661",
        "\u00a0",
        "\\",
        "/",
        "u0041",
    ),
]


def both(source: str, *, text: bool) -> tuple[object, object]:
    if text:
        try:
            check_visible(Source("f", source), json=True)
        except InvalidInputError:
            return None, None
    try:
        quick: object = (parse_quickly(source, text=text),)
    except (ValueError, RecursionError):
        quick = None
    try:
        slow: object = (Scanner(Source("f", source), text=text).read()[0],)
    except InvalidInputError:
        slow = None
    return quick, slow


@settings(max_examples=1000)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), st.booleans())
@example("[" * 64 + "]" * 64, True)
@example("[" * 65 + "]" * 65, True)
@example("[[]," + "[" * 63 + "]" * 64, True)
@example("[[]," + "[" * 64 + "]" * 65, True)
@example('[{},{"a":' + "[" * 62 + "]" * 62 + "}]", True)
def test_the_quick_reader_and_the_scanner_accept_the_same_texts(source: str, text: bool) -> None:
    quick, slow = both(source, text=text)
    assert repr(quick) == repr(slow)


VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text() | st.text(string.printable),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


@given(VALUES, st.booleans(), st.booleans(), st.sampled_from([None, 1]))
def test_they_agree_on_dumped_values_too(value: JsonValue, ascii_only: bool, text: bool, indent: int | None) -> None:
    source = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    quick, slow = both(source, text=text)
    assert quick == slow
    assert quick is None or quick == (value,)


@settings(max_examples=300)
@given(VALUES, st.integers(0, 200), st.sampled_from(['"', ",", "]", "}", "0", ".", "\\", " ", "a", "-"]))
def test_they_agree_on_damaged_values(value: JsonValue, at: int, piece: str) -> None:
    source = json.dumps(value)
    at %= len(source) + 1
    for damaged in (source[:at] + piece + source[at:], source[:at] + source[at + 1 :]):
        quick, slow = both(damaged, text=True)
        assert repr(quick) == repr(slow)


@given(st.binary(max_size=20))
def test_no_bytes_make_it_fail_in_another_way(data: bytes) -> None:
    for load in (parse_json, load_json):
        with contextlib.suppress(InvalidInputError):
            load(data, "f")
