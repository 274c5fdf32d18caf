from __future__ import annotations

import sys

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bspec_opa.foundation.document import yaml_subset
from bspec_opa.foundation.document.load import load_document, load_yaml
from bspec_opa.foundation.errors import InvalidInputError, Location
from bspec_opa.foundation.limits import MAX_NODES


def refusals(data: str | bytes) -> list[tuple[str, int | None, int | None]]:
    with pytest.raises(InvalidInputError) as caught:
        load_yaml(data if isinstance(data, bytes) else data.encode(), "f")
    places = [(p.reason.code, p.location or Location("")) for p in caught.value.problems]
    return [(code, at.line, at.column) for code, at in places]


def test_block_and_flow_style_quotes_and_block_scalars_are_read() -> None:
    text = """\
---
# a comment
plain: two words
"quoted": 'it''s'
folded: >-
  one
  two
kept: |
  - no list
  on
list:
- a
-  - {b: [c, "d"], e: {}}
   - []
? asked
: 1
multi: one
  two
...
"""
    assert load_yaml(text.encode(), "f").value == {
        "plain": "two words",
        "quoted": "it's",
        "folded": "one two",
        "kept": "- no list\non\n",
        "list": ["a", [{"b": ["c", "d"], "e": {}}, []]],
        "asked": 1,
        "multi": "one two",
    }


@pytest.mark.attack("A32")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 1\n", [("document.duplicate-key", 3, 1)]),
        ("a: 1\n'a': 2\n", [("document.duplicate-key", 2, 1)]),
        ('{a: 1, "\\x61": 2}', [("document.duplicate-key", 1, 8)]),
        ("- x: {a: 1, a: 2}\n", [("document.duplicate-key", 1, 13)]),
        (
            "a: 1\na: 2\na: 3\nb: 1\nb: 1\n",
            [("document.duplicate-key", 2, 1), ("document.duplicate-key", 3, 1), ("document.duplicate-key", 5, 1)],
        ),
        ("b: 1\n<<: {a: 1}\nb: 2\n", [("document.merge-key", 2, 1), ("document.duplicate-key", 3, 1)]),
    ],
)
def test_duplicate_keys_are_refused_each(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert refusals(text) == expected


@pytest.mark.attack("A32")
def test_a_duplicate_key_names_the_line_of_the_first() -> None:
    with pytest.raises(InvalidInputError, match='f:3:3: duplicate key "a", first in line 2; keep one of them'):
        load_yaml(b"x:\n  a: 1\n  a: 2\n", "f")


@pytest.mark.attack("A35")
@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: 1\n---\nb: 2\n", "document.several-documents", 2),
        ("a: 1\n---\n", "document.several-documents", 2),
        ("---\na: 1\n...\n---\n", "document.several-documents", 4),
        ("a: 1\n...\nb: 2\n", "document.syntax", 3),
        ("---\n# x\n---\na\n", "document.empty", 3),
    ],
)
def test_a_second_document_is_refused(text: str, code: str, line: int) -> None:
    assert refusals(text) == [(code, line, 1)]


@pytest.mark.attack("A36")
@pytest.mark.parametrize("text", ["{?a: b}", "[?a]", "[a, ?]", "{?: b}"])
def test_a_question_mark_that_1_1_and_1_2_read_differently_is_refused(text: str) -> None:
    assert refusals(text) == [("document.ambiguous-scalar", 1, text.index("?") + 1)]


@pytest.mark.attack("A36")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("%YAML 1.1\n---\na: b\n", 1),
        ("%YAML 1.2\n---\na: b\n", 1),
        ("# c\n%TAG ! tag:x,2000:\n---\na: b\n", 2),
        ("%UNKNOWN x\n---\na: b\n", 1),
        ("a: b\n...\n%YAML 1.1\n", 3),
    ],
)
def test_directives_are_refused(text: str, line: int) -> None:
    assert refusals(text) == [("document.directive", line, 1)]


@pytest.mark.attack("A39")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: !!python/object/apply:os.system [x]\n", [("document.tag", 1, 4)]),
        ("a: !!binary aGk=\n", [("document.tag", 1, 4)]),
        (
            "a: !!set {b, c}\n",
            [("document.tag", 1, 4), ("document.empty-value", 1, 12), ("document.empty-value", 1, 15)],
        ),
        ("a: !!str 1\n", [("document.tag", 1, 4)]),
        ("a: ! b\n", [("document.tag", 1, 4)]),
        ("a: !<tag:x> b\n", [("document.tag", 1, 4)]),
        ("!!map\na: b\n", [("document.tag", 1, 1)]),
        ("!x a: b\n", [("document.tag", 1, 1)]),
        ("a: &x b\n", [("document.anchor", 1, 4)]),
        ("a: &x [b]\nc: *x\n", [("document.anchor", 1, 4), ("document.anchor", 2, 4)]),
        ("&x a: b\n", [("document.anchor", 1, 1)]),
        ("*x : b\n", [("document.key-not-string", 1, 1), ("document.anchor", 1, 1)]),
        ("a: &x !!str b\n", [("document.anchor", 1, 4), ("document.tag", 1, 4)]),
        ("<<: {a: b}\n", [("document.merge-key", 1, 1)]),
        ("a: <<\n", [("document.ambiguous-scalar", 1, 4)]),
        ("a: 2026-01-01\n", [("document.ambiguous-scalar", 1, 4)]),
    ],
)
def test_what_tags_refers_or_merges_is_refused(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert refusals(text) == expected


@pytest.mark.parametrize(
    "text", ["1: a\n", "-1: a\n", "true: a\n", "null: a\n", "{? : a}", "? [a]\n: b\n", "? {a: b}\n: c\n", "{[a]: b}"]
)
def test_keys_that_are_no_strings_are_refused(text: str) -> None:
    ((code, line, _),) = refusals(text)
    assert (code, line) == ("document.key-not-string", 1)


def test_they_are_keys_in_quotes() -> None:
    assert load_yaml(b'"1": a\n\'true\': b\n"<<": c\n"": d\n', "f").value == {"1": "a", "true": "b", "<<": "c", "": "d"}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("a:\nb: c\n", 1, 3), ("- \n- a\n", 1, 2), ("{a}", 1, 3), ("[a: ]", 1, 4), ("? a\n", 2, 1)],
)
def test_empty_values_are_refused(text: str, line: int, column: int) -> None:
    assert refusals(text) == [("document.empty-value", line, column)]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "---\n...\n", "---\n# c\n"])
def test_an_empty_document_is_refused(text: str) -> None:
    ((code, _, _),) = refusals(text)
    assert code == "document.empty"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: b: c\n", 1, 5),
        ("a: [b\nc: d\n", 2, 2),
        ("a: {b: c\n", 2, 1),
        ("a:\n  b: 1\n c: 2\n", 3, 2),
        ("a: 'b\n", 2, 1),
        ('a: "\\q"\n', 1, 6),
        ('a: "\\UFFFFFFFF"\n', 1, 7),
        ("a: @b\n", 1, 4),
        ("a: `b`\n", 1, 4),
        ("a: >=2.0\n", 1, 5),
        ("a: *\n", 1, 5),
        ("a: %b\n", 1, 4),
        ("a: [*]\n", 1, 6),
        ("- a\nb: c\n", 2, 1),
        ("a: !e!x b\n", 1, 4),
    ],
)
def test_a_syntax_error_has_its_place(text: str, line: int, column: int) -> None:
    assert refusals(text) == [("document.syntax", line, column)]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("version: >=2.0\n", "quote text that starts with a special character"),
        ("operations: [*]\n", "quote text that starts with a special character"),
        ("owner: @team\n", "quote text that starts with a special character"),
        ("purpose: Help: always\n", "quote text that holds a colon and a space"),
        ("a: [b\n", ""),
    ],
)
def test_frequent_syntax_errors_come_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load_yaml(text.encode(), "f")
    assert [p.hint for p in caught.value.problems] == [hint]


def test_everything_wrong_is_listed_up_to_the_first_syntax_error() -> None:
    assert refusals("a: no\nb: 010\na: 1\nc: &x\n- 1.5\nd: e: f\n") == [
        ("document.ambiguous-scalar", 1, 4),
        ("document.ambiguous-scalar", 2, 4),
        ("document.duplicate-key", 3, 1),
        ("document.anchor", 4, 4),
        ("document.ambiguous-scalar", 5, 3),
        ("document.syntax", 6, 5),
    ]
    assert len(refusals("- 1.0\n" * 1000)) == 50


@pytest.mark.attack("A36")
@pytest.mark.parametrize("text", ["|\n  a\n", ">\n#a\n", "--- |-\n  a\n"])
def test_a_block_scalar_is_never_the_whole_document(text: str) -> None:
    """At the top, its text may start in the first column or not, depending on the parser."""
    assert refusals(text) == [("document.ambiguous-scalar", 1, text.index(text.lstrip("- ")[0]) + 1)]


@pytest.mark.attack("A36")
def test_a_block_scalar_does_not_end_with_the_file() -> None:
    """Some parsers add the missing line break, others don't."""
    assert refusals("a: |\n  b") == [("document.ambiguous-scalar", 1, 4)]
    assert refusals("a: >2+\n  b") == [("document.ambiguous-scalar", 1, 4)]
    assert load_yaml(b"a: |\n  b\n", "f").value == {"a": "b\n"}
    assert load_yaml(b"a: |-\n  b", "f").value == {"a": "b"}
    assert load_yaml(b"a: >2-\n  b", "f").value == {"a": "b"}


@pytest.mark.parametrize("text", ["a: 'b'#c\n", "a: [b]#c\n", "{a: b}#c\n", "[a,#b\nc]\n"])
def test_a_comment_needs_a_space(text: str) -> None:
    assert refusals(text) == [("document.syntax", 1, text.index("#") + 1)]


def test_a_comment_may_start_a_file_or_a_line() -> None:
    assert load_yaml(b"#a\n#b\nc: d #e\n#f\r\n#g\n", "f").value == {"c": "d"}


def test_half_a_surrogate_pair_is_refused() -> None:
    assert refusals('a: "\\ud800"\n') == [("document.lone-surrogate", 1, 4)]
    assert refusals('"\\udc00": a\n') == [("document.lone-surrogate", 1, 1)]


@pytest.mark.attack("A66")
@pytest.mark.parametrize(
    "bomb",
    [
        "[" * 100000,
        "{a: " * 100000,
        "- " * 100000,
        "? " * 100000,
        "[{a: " * 50000,
        "[\n" * 100000,
        "[[" * 100000 + "]]" * 100000,
        "".join(f"{' ' * n}a:\n" for n in range(400)),
        "[a, " * 100000,
        "{? [" * 50000,
    ],
    ids=lambda b: repr(b[:6]),
)
def test_deep_nesting_stops_at_the_limit(bomb: str) -> None:
    found = refusals(bomb)
    assert found[-1][0] == "document.too-deep" or len(found) == 50


@pytest.mark.attack("A66")
def test_reading_stops_long_before_the_end_of_a_bomb() -> None:
    """Whatever follows the limit and the scanner's short look-ahead is never read, not even for its faults."""
    assert refusals("- " * 65 + "x\n" + "- %\n" * 1000) == [("document.too-deep", 1, 129)]


@pytest.mark.attack("A66")
def test_the_deepest_nesting_is_accepted() -> None:
    assert load_yaml(("[" * 64 + "]" * 64).encode(), "f").value is not None
    assert load_yaml(("- " * 64 + "a").encode(), "f").value is not None
    assert refusals("[" * 65 + "]" * 65) == [("document.too-deep", 1, 65)]


@pytest.mark.attack("A66")
def test_alias_bombs_are_refused_and_never_expanded() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 100))]
    found = refusals("\n".join(lines))
    assert {code for code, _, _ in found} == {"document.anchor"}
    assert len(found) == 50
    assert refusals("a: &x [*x]\n") == [("document.anchor", 1, 4), ("document.anchor", 1, 8)]


@pytest.mark.attack("A66")
def test_too_many_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_subset, "MAX_NODES", 2_000)
    assert refusals(("[" + "a," * 2_000 + "]").encode()) == [("document.too-many-nodes", 1, 4_000)]


@pytest.mark.soak
def test_one_value_more_than_the_limit() -> None:
    assert MAX_NODES == 200_000
    assert refusals(("[" + "a," * MAX_NODES + "]").encode()) == [("document.too-many-nodes", 1, 2 * MAX_NODES)]


@pytest.mark.attack("A66")
def test_the_recursion_limit_is_never_near() -> None:
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(450)
        load_yaml(("[" * 64 + "]" * 64).encode(), "f")
        load_document(("[" * 64 + "]" * 64).encode(), "f")
    finally:
        sys.setrecursionlimit(limit)


LINES = [
    *(
        "a: b",
        "a: 1",
        "b: no",
        "- c",
        "- - d",
        "  e: f",
        "  - g",
        "? h",
        ": i",
        "{j: k}",
        "[l, m]",
        "n: {o: p, q}",
        "r: |",
        "s: >-",
    ),
    *(
        "  text",
        "    more",
        "# note",
        "---",
        "...",
        "%YAML 1.1",
        "t: &u v",
        "w: *u",
        "<<: *u",
        "x: !!y z",
        "'",
        '"',
        "a: '",
        "[",
        "]",
        "{",
        "}",
    ),
    *(
        ", b",
        "\t",
        "true: false",
        "null",
        "a: null",
        "a:",
        "-",
        "- ",
        '"a": "\\x61"',
        "a: >=2",
        "",
        "  ",
        "a: b # c",
        "a#b: c",
        "a : b",
        "é: ü",
    ),
]


@settings(max_examples=600)
@given(st.lists(st.sampled_from(LINES), max_size=8).map("\n".join))
def test_what_is_accepted_means_the_same_to_yaml_1_1(text: str) -> None:
    """Whatever the subset takes, PyYAML's own (1.1) reading gives the very same value."""
    try:
        value = load_yaml(text.encode(), "f").value
    except InvalidInputError:
        return
    reference = yaml.safe_load(text)
    assert repr(value) == repr(reference)


@given(st.text(st.sampled_from("ab:-?,[]{}#&*!|>'\"%@` \n0123é"), max_size=30))
def test_no_text_makes_it_fail_in_another_way(text: str) -> None:
    try:
        value = load_yaml(text.encode(), "f").value
    except InvalidInputError:
        return
    assert repr(value) == repr(yaml.safe_load(text))
