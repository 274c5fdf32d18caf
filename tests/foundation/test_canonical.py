from __future__ import annotations

import json
from typing import Any, cast

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.foundation.canonical import JsonValue, canonical_bytes
from bspec_opa.foundation.errors import InvalidInputError
from bspec_opa.foundation.limits import INTEGER_LIMIT

SCALARS = st.none() | st.booleans() | st.integers(1 - INTEGER_LIMIT, INTEGER_LIMIT - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    SCALARS | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, b"null"),
        (True, b"true"),
        (False, b"false"),
        (0, b"0"),
        (-1, b"-1"),
        (999_999_999_999_999, b"999999999999999"),
        ([], b"[]"),
        ({}, b"{}"),
        ("", b'""'),
        ({"b": [1, {}], "a": None}, b'{"a":null,"b":[1,{}]}'),
        # RFC 8785 section 3.2.2.2: the short escapes, \u00xx in lower case, nothing else escaped.
        (
            "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
            b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"',
        ),
        ("\b\t\n\f\r\x00\x1f\x7f", b'"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f"'),
        ("\u2028\u00e9e\u0301", '"\u2028\u00e9e\u0301"'.encode()),
        # RFC 8785 section 3.2.3: sorted by UTF-16 code units, so an astral key comes before U+FB33.
        (
            {
                "\u20ac": "Euro Sign",
                "\r": "Carriage Return",
                "\ufb33": "Hebrew Letter Dalet With Dagesh",
                "1": "One",
                "\U0001f600": "Emoji: Grinning Face",
                "\u0080": "Control",
                "\u00f6": "Latin Small Letter O With Diaeresis",
            },
            '{"\\r":"Carriage Return","1":"One","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis",'
            '"\u20ac":"Euro Sign","\U0001f600":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}'.encode(),
        ),
    ],
)
def test_vectors(value: JsonValue, expected: bytes) -> None:
    assert canonical_bytes(value) == expected


@pytest.mark.attack("A38")
@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        float("inf"),
        INTEGER_LIMIT,
        -INTEGER_LIMIT,
        [10**5000],
        {"a": [1.5]},
        {1: 2},
        {"a": b"bytes"},
        [object()],
        "\ud800",
        {"\udfff": 1},
        {"é": {"a": 1.5}},
        {"é": {1: 2}},
        {"é": ["\ud800"]},
        {"a": {"é": object()}},
    ],
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        canonical_bytes(cast("JsonValue", value))
    assert caught.value.code == "foundation.not-canonical"


@pytest.mark.attack("A66")
def test_deep_nesting_and_cycles_are_refused_without_recursion_error() -> None:
    cycle: list[JsonValue] = []
    cycle.append(cycle)
    with pytest.raises(InvalidInputError, match="too deeply"):
        canonical_bytes(cycle)


@given(VALUES)
def test_canonical_bytes_are_json_for_the_same_value_and_their_own_canonical_form(value: JsonValue) -> None:
    data = canonical_bytes(value)
    assert json.loads(data) == value
    assert canonical_bytes(json.loads(data)) == data


def test_every_character_is_written_as_the_reference_writes_it() -> None:
    every = [chr(c) for c in range(0x11_0000) if not 0xD800 <= c <= 0xDFFF]
    for start in range(0, len(every), 4096):
        text = "".join(every[start : start + 4096])
        assert canonical_bytes(text) == rfc8785.dumps(text)


@given(VALUES)
def test_the_bytes_are_those_of_the_reference(value: JsonValue) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(cast("Any", value))


@given(st.dictionaries(st.text("a\x7f\x80\ue000\U00010000", max_size=2), st.dictionaries(TEXTS, SCALARS)))
def test_keys_are_sorted_by_utf_16_units_at_every_level(value: JsonValue) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(cast("Any", value))
    assert canonical_bytes([value]) == rfc8785.dumps([cast("Any", value)])


@given(st.dictionaries(TEXTS, SCALARS))
def test_the_order_of_insertion_does_not_matter(value: dict[str, JsonValue]) -> None:
    items = list(value.items())
    items.reverse()
    assert canonical_bytes(dict(items)) == canonical_bytes(value)
