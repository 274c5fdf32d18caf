from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.foundation.closed_schema import escape
from bspec_opa.foundation.document.load import load_document, load_json, load_yaml, parse_json
from bspec_opa.foundation.errors import InvalidInputError, Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonValue
    from bspec_opa.foundation.document.document import Document

YAML = """\
# comment
schema: v1
"quoted key": 'single quoted'
tools:
  - id: one
    flow: {a: 1, "b/c~d": [true, "two words"], e: {}}
  - plain text   # with a comment
  -
    - nested
block: |
  line one
  line two
"double": "a
  b"
"""
PLACES = {
    "": (2, 1, 1),
    "/schema": (2, 9, 2),
    "/quoted key": (3, 15, 15),
    "/tools": (5, 3, 1),
    "/tools/0": (5, 5, 1),
    "/tools/0/id": (5, 9, 3),
    "/tools/0/flow": (6, 11, 1),
    "/tools/0/flow/a": (6, 15, 1),
    "/tools/0/flow/b~1c~0d": (6, 27, 1),
    "/tools/0/flow/b~1c~0d/0": (6, 28, 4),
    "/tools/0/flow/b~1c~0d/1": (6, 34, 11),
    "/tools/0/flow/e": (6, 51, 1),
    "/tools/1": (7, 5, 10),
    "/tools/2": (9, 5, 1),
    "/tools/2/0": (9, 7, 6),
    "/block": (10, 8, 1),
    "/double": (13, 11, 2),
}
KEYS = {
    "/schema": (2, 1, 6),
    "/quoted key": (3, 1, 12),
    "/tools": (4, 1, 5),
    "/tools/0/flow": (6, 5, 4),
    "/tools/0/flow/b~1c~0d": (6, 18, 7),
    "/double": (13, 1, 8),
}


@pytest.mark.parametrize(("pointer", "place"), PLACES.items())
def test_every_value_has_its_place(pointer: str, place: tuple[int, int, int]) -> None:
    document = load_yaml(YAML.encode(), "f")
    line, column, length = place
    assert document.locate(pointer) == Location("f", line, column)
    assert document.span(pointer) == length


@pytest.mark.parametrize(("pointer", "place"), KEYS.items())
def test_every_key_has_its_place(pointer: str, place: tuple[int, int, int]) -> None:
    document = load_yaml(YAML.encode(), "f")
    line, column, length = place
    assert document.locate(pointer, key=True) == Location("f", line, column)
    assert document.span(pointer, key=True) == length


@pytest.mark.parametrize(
    ("pointer", "nearest"),
    [
        ("/missing", ""),
        ("/tools/0/missing", "/tools/0"),
        ("/tools/7/id", "/tools"),
        ("/tools/00", "/tools"),
        ("/tools/-", "/tools"),
        ("/schema/x/y", "/schema"),
        ("no pointer", ""),
        ("/", ""),
    ],
)
@pytest.mark.parametrize("key", [True, False])
def test_what_is_not_there_has_its_ancestors_place(pointer: str, nearest: str, key: bool) -> None:
    document = load_yaml(YAML.encode(), "f")
    assert document.locate(pointer, key=key) == document.locate(nearest, key=key)


def test_items_and_the_whole_have_no_key() -> None:
    document = load_yaml(YAML.encode(), "f")
    assert document.locate("/tools/1", key=True) == document.locate("/tools/1")
    assert document.locate("", key=True) == document.locate("")


def test_the_first_of_equal_names_under_different_parents_is_not_taken_for_another() -> None:
    document = load_json(b'{"a": {"a": 1},\n "b": {"a": 2}}', "f")
    assert document.locate("/b/a") == Location("f", 2, 13)


def test_lines_are_those_of_the_source() -> None:
    document = load_yaml(b"a: b\r\n\xc3\xa9: c # d", "f")
    assert [document.line(n) for n in range(4)] == ["", "a: b", "\u00e9: c # d", ""]


def test_columns_count_characters() -> None:
    for load in (load_yaml, load_json):
        document = load('{"\u00e9\U0001f600": "\u00e9", "k": 1}'.encode(), "f")
        assert document.locate("/k") == Location("f", 1, 18)


def test_only_an_object_is_an_object() -> None:
    assert load_document(b"a: b", "f").is_object()
    assert load_document(b"{}", "f").is_object()
    assert not load_document(b"[]", "f").is_object()
    assert not load_document(b"text", "f").is_object()


def test_documents_are_told_apart_by_their_first_character() -> None:
    assert load_document(b' \n{"a": 1}', "f").value == {"a": 1}
    assert load_document(b'"a": 1', "f").value == {"a": 1}
    assert load_document(b"- a\n", "f").value == ["a"]
    with pytest.raises(InvalidInputError, match="expected a key in double quotes"):
        load_document(b"{a: 1}", "f")


def test_two_documents_with_the_same_name_and_value_are_equal() -> None:
    assert load_json(b'{"a":1}', "f") == load_yaml(b"a: 1", "f")
    assert repr(load_json(b"[]", "f")) == "Document(name='f', value=[])"


def test_reading_json_never_imports_yaml() -> None:
    program = (
        "import sys; from bspec_opa.foundation.document.load import load_document, parse_json;"
        "load_document(b'{}', 'f').locate('/a'); parse_json(b'[]', 'f');"
        "sys.exit([m for m in ('yaml', 'jsonschema', 'requests', 'rfc8785') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (1, b"[]\n")


VISIBLE = st.text("abz \u00e9\u00fc\u4e2d\U0001f600\"'\\/:#,[]{}&*!|>%@`-?~<=019\n", max_size=8)
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 10**15, 10**15 - 1) | VISIBLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(VISIBLE, inner, max_size=4),
    max_leaves=12,
)


def parts(value: JsonValue, pointer: str = "") -> Iterator[tuple[str, JsonValue, str | None]]:
    """Every value with its pointer, and the name of its key if it is a member."""
    yield pointer, value, None
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from parts(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for name, member in value.items():
            inner = f"{pointer}/{escape(name)}"
            yield inner, member, name
            yield from parts(member, inner)


def excerpt(document: Document, pointer: str, *, key: bool = False, length: int | None = None) -> str:
    place = document.locate(pointer, key=key)
    assert place.line is not None
    assert place.column is not None
    rest = document.line(place.line)[place.column - 1 :]
    return rest[: document.span(pointer, key=key) if length is None else length]


@pytest.mark.attack("A36")
@given(VALUES, st.sampled_from([None, 0, 2]))
def test_json_reads_the_same_as_json_and_as_yaml_and_every_part_stands_where_it_says(
    value: JsonValue, indent: int | None
) -> None:
    data = json.dumps(value, ensure_ascii=False, indent=indent).encode()
    assert repr(parse_json(data, "f")) == repr(value)
    for load in (load_json, load_yaml, load_document):
        document = load(data, "f")
        assert repr(document.value) == repr(value)
        for pointer, part, name in parts(value):
            if name is not None:
                assert json.loads(excerpt(document, pointer, key=True)) == name
            if isinstance(part, dict | list):
                assert excerpt(document, pointer) == ("{" if isinstance(part, dict) else "[")
            else:
                assert json.loads(excerpt(document, pointer)) == part


class Careful(yaml.SafeDumper):
    """Quotes what may be a number to somebody; PyYAML leaves 09 plain, which we refuse on purpose."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "'" if text[:1] in "0123456789+-." else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Careful.add_representer(str, _quoted)


@given(VALUES)
def test_block_style_reads_the_same_and_every_part_stands_where_it_says(value: JsonValue) -> None:
    text = yaml.dump(value, None, Careful, sort_keys=False, default_flow_style=False, allow_unicode=True, width=10_000)
    document = load_yaml(text.encode(), "f")
    assert repr(document.value) == repr(value)
    for pointer, part, name in parts(value):
        if name is not None and "\n" not in name:
            assert yaml.safe_load(excerpt(document, pointer, key=True)) == name
        if isinstance(part, list) and part:
            assert excerpt(document, pointer) == "-"
        elif isinstance(part, dict) and part:
            first = next(iter(part))
            assert document.locate(pointer) in (
                document.locate(f"{pointer}/{escape(first)}", key=True),
                _before(document.locate(f"{pointer}/{escape(first)}", key=True)),
            )
        elif not isinstance(part, str) or "\n" not in part:
            assert yaml.safe_load(excerpt(document, pointer, length=None if part not in ([], {}) else 2)) == part


def _before(place: Location) -> Location:
    """Where the question mark of an explicit key stands."""
    return Location(place.file, place.line, (place.column or 0) - 2)
