from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bspec_opa.foundation.document.load import load_yaml
from bspec_opa.foundation.document.text import Source, check_visible
from bspec_opa.foundation.document.yaml_plain import DoubtError, read_quickly
from bspec_opa.foundation.document.yaml_subset import YamlReader
from bspec_opa.foundation.errors import InvalidInputError
from bspec_opa.foundation.limits import MAX_STRING

if TYPE_CHECKING:
    from bspec_opa.foundation.document.document import Mark

EXAMPLES = Path(__file__).parents[3] / "examples"
INTENTS = sorted(EXAMPLES.rglob("behavior.intent"))
OTHERS = EXAMPLES / "sidecar"  # documents that OPA, Compose and Kubernetes read
DOCUMENTS = [*INTENTS, *sorted(p for p in EXAMPLES.rglob("*.yaml") if OTHERS not in p.parents)]

READ = """\
# a comment

name: word
two: two words  # a comment
colon: http://x.example/a#b:c
words:   a 'quote', a "quote" [and] {brackets}?
single: 'a: "b" # c'
double: "it's: # c"
empty: ""
numbers: [0, 7, 999999999999999]
values: [true, false, null, 1.0.0, read:invoice, é ü]
flow: {a: {}, b: [], c: {d: [{e: f}]}, long: two words}
lines: [a,
  b ,

 c
]
more: {a: 1
, b: 2 }
deeper:

  # a comment
    inner: 1
    list:
      - a
      -   b: 1
          c:
            d: 2
      - [c]
same:
- x: 1

  why:
  - z
  -  'q'
- w
last: $1/(2)
literal: |
  as it
  - stands: here

  # no comment
folded: >-
    one
    line

    two

deep:
  - name: |-
      x
    why: >
      y
  - >
    z
"""


def both(text: str) -> tuple[tuple[object, Mark], tuple[object, Mark]]:
    return read_quickly(text), YamlReader(Source("f", text)).read()


def quick(text: str) -> object | None:
    """What is read quickly; it is then exactly what the authority reads, with the same places."""
    with contextlib.suppress(DoubtError):
        ours, theirs = both(text)
        assert repr(ours) == repr(theirs)
        return ours[0]
    return None


def visible(text: str) -> bool:
    try:
        check_visible(Source("f", text))
    except InvalidInputError:
        return False
    return True


def test_the_plain_forms_are_read_with_the_places_of_the_authority() -> None:
    ours, theirs = both(READ)
    assert repr(ours) == repr(theirs)
    assert load_yaml(READ.encode(), "f").locate("/same/0/why/1").line == 35


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda f: str(f.relative_to(EXAMPLES)))
def test_the_examples_need_no_authority(file: Path) -> None:
    assert quick(file.read_text()) is not None


@pytest.mark.parametrize(
    "text",
    [
        "- a\n- b: 1\n  c: 2\n",
        "- {a: 1}\n",
        "-  a: 1\n   b: 2\n",
        "a:\n- b\nc: d\n",
        "a: b #c\n#d\n",
        "\n\n  \n#\na: b\n\n  \n# c\n",
        "a: " + "x " * 1000 + "y\n",
        f"a: {'x' * 300}\n",
        "a: yes sir\n",
        "a: b:c\n",
        "a: b ? c\n",
        "a: b- c\n",
        "a: (b)\n",
        "a: [b:c]\n",
        "_: a_b\n",
        "a.b-c_d: e\n",
        " a: b\n",
        "a: |\n  b\n",
        "a: >-  \n b\n c\n\n\n d\ne: f\n",
        "a: >\n  b\n\n\n",
        "a: |-\n  b: c\n  # d\n  - e\n# f\ng: h\n",
        "a:\n  b: |\n   c\nd: e\n",
        "- >\n  a\n  'b\n- |\n  ---\n",
        "a:\n- >\n  b\n- c: >-\n    d\n  e: f\n",
    ],
)
def test_what_both_read(text: str) -> None:
    assert quick(text) is not None


@pytest.mark.attack("A36")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "# a\n",
        "a\n",
        "a: b",
        "a: b\r\nc: d\r\n",
        "--- a\n",
        "---\na: b\n",
        "a: b\n...\n",
        "a: b\n---\nc: d\n",
        "%YAML 1.1\n---\na: b\n",
        "a: [\n---\n]\n",
        "a: [\n...\n]\n",
        "a: [\n",
        "a: {\n",
        "a: [b\n",
        "a: {b: c\n",
        "a: {b: \n",
        "a: b\n c\n",
        "a: b\n\n  c\n",
        "a: b\n# c\n  d\n",
        "a: 'b\n  c'\n",
        'a: "b\n  c"\n',
        "a: 'it''s'\n",
        'a: "\\x61"\n',
        "a: 'b' c\n",
        "a: 'b'c\n",
        "a: 'b'#c\n",
        "a: [b]#c\n",
        "a: [b] c\n",
        "a: [b]: c\n",
        "a: [b #c\n]\n",
        "a: [b c\n d]\n",
        "a: [b: c]\n",
        "a: [b,]\n",
        "a: [,b]\n",
        "a: [b,,c]\n",
        "a: [?b]\n",
        "a: [b?c]\n",
        "a: {b}\n",
        "a: {b:c}\n",
        "a: {b: c, b: d}\n",
        'a: {"b": c}\n',
        "a: {? b: c}\n",
        "a: {b : c}\n",
        "a: {b: }\n",
        "a: {b:\n c}\n",
        "a:b\n",
        "a : b\n",
        "a: b: c\n",
        "a: b:\n",
        "a:\n",
        "a:\nb: c\n",
        "a: # c\nb: d\n",
        "a:\n    b: 1\n  c: 2\n",
        "a:\n  b: 1\n c: 2\n",
        "a:\n  - b\n - c\n",
        "a:\n - b\n   c\n",
        "- a\n  b\n",
        "- a\nb: c\n",
        "a: b\n- c\n",
        "-\n",
        "- \n",
        "-\n  a: b\n",
        "- - a\n",
        "-a\n",
        "é: b\n",
        "? a\n: b\n",
        '"a": b\n',
        "<<: {a: b}\n",
        "a: <<\n",
        "a: =\n",
        "a: ~\n",
        "a: &x b\n",
        "a: *x\n",
        "a: !!str b\n",
        "a: ! b\n",
        "a: |\n",
        "a: |\nb: c\n",
        "a: |\n\n  b\n",
        "a: |+\n  b\n",
        "a: |2\n  b\n",
        "a: >-2\n  b\n",
        "a: | # c\n  b\n",
        "a: |\n  b\n   c\n",
        "a: >\n  b\n   c\n",
        "a: |\n  b\n \n",
        "a: |\n  b\n  \tc\n",
        "a: |\n  b\n   # c\n",
        "a: |\n   b\n  c\n",
        "a: |\n \tb\n",
        "a:\n  b: |\n  c\n",
        "- a: >\n  b\n",
        "|\n a\n",
        "a: [|\n b]\n",
        f"a: |\n{' ' * 17}b\n",
        "a: >=2.0\n",
        "a: @b\n",
        "a: `b`\n",
        "a: %b\n",
        "a: -\n",
        "a: -1\n",
        "a: .5\n",
        "a: +1\n",
        "a: no\n",
        "a: Yes\n",
        "a: Null\n",
        "a: TRUE\n",
        "y: a\n",
        "null: a\n",
        "true: a\n",
        "1: a\n",
        "a: 010\n",
        "a: 1.5\n",
        "a: 1e3\n",
        "a: 0x1\n",
        "a: 1_000\n",
        "a: 12:30\n",
        "a: 2026-01-01\n",
        "a: 1000000000000000\n",
        "a: 1\na: 2\n",
        "a: [" + "[" * 40 + "]" * 40 + "]\n",
        "".join(f"{' ' * n}a:\n" for n in range(40)) + " " * 40 + "a: b\n",
        f"a: {'x' * MAX_STRING}\n",
        f"{'a' * 201}: b\n",
        "a:  # b\n   c\n",
    ],
    ids=lambda t: repr(t)[:40],
)
def test_a_doubt_goes_to_the_authority(text: str) -> None:
    with pytest.raises(DoubtError):
        read_quickly(text)


LINES = [
    *("a: b", "b: c d", "c: 1", "d:", "e: # f", "- a", "- b: c", "-  d: e", "- ", "-", "- [f, g]", "- - h"),
    *(
        "f: [",
        "g: {",
        "]",
        "}",
        "h",
        "i, j",
        ", k",
        "l: [m,",
        "n: {o: p}",
        "n: {o: p,",
        "q: r}",
        "s: []",
        "[t]",
        "{u: v}",
    ),
    *(
        "# note",
        " # note",
        "",
        "w: 'x'",
        'y1: "z"',
        "'",
        '"',
        "aa: 'bb",
        "cc: dd#ee",
        "cc: dd #ee",
        "ff : gg",
        "hh: ii:jj",
    ),
    *(
        "---",
        "...",
        "kk: |",
        "ll: >-",
        "- >",
        "ll: |-",
        "kk: >+",
        "mm: &nn oo",
        "<<: *nn",
        "? pp",
        ": qq",
        "%YAML 1.1",
        "rr: é",
        "n: no",
        "t: 1.5",
    ),
]
INDENTED = st.tuples(st.sampled_from(["", "", " ", "  ", "  ", "    "]), st.sampled_from(LINES)).map("".join)


@settings(max_examples=600)
@given(st.lists(INDENTED, min_size=1, max_size=9).map(lambda lines: "\n".join(lines) + "\n"))
def test_lines_mean_the_same_to_both(text: str) -> None:
    quick(text)


@settings(max_examples=600)
@given(st.text(st.sampled_from("ab:-?,[]{}#&*!|>'\"%@` \n\n  01.é\u00a0~<=_/(\\"), max_size=24))
@example("a:\u00a0b")
@example("a: b\u00a0#c")
@example("a: \u00a0b")
def test_characters_mean_the_same_to_both(text: str) -> None:
    quick(f"a: {text}\n")
    quick(f"{text}\n")
    quick(f"a: [{text}]\n")
    quick(f"a: {{b: {text}}}\n")


def edited_intent_means_the_same(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(INTENTS)).read_text()
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text) - 1))
        length = data.draw(st.integers(0, 3))
        put = data.draw(st.text(st.sampled_from("a1 :-\n#,[]{}'\"?&|\u00e9"), max_size=3))
        text = text[:start] + put + text[start + length :]
    if visible(text):
        quick(text)


@settings(max_examples=400)
@given(st.data())
def test_an_edited_intent_means_the_same_to_both(data: st.DataObject) -> None:
    edited_intent_means_the_same(data)


@pytest.mark.soak
@settings(max_examples=40_000, deadline=None)
@given(st.data(), st.lists(INDENTED, min_size=1, max_size=9).map(lambda lines: "\n".join(lines) + "\n"))
def test_many_documents_mean_the_same_to_both(data: st.DataObject, text: str) -> None:
    edited_intent_means_the_same(data)
    quick(text)


def test_plain_yaml_is_read_without_pyyaml() -> None:
    program = (
        "import sys; from bspec_opa.foundation.document.load import load_document;"
        f"load_document({INTENTS[0].read_bytes()!r}, 'f').locate('/tools/0');"
        "sys.exit([m for m in ('yaml', 'jsonschema', 'requests') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (1, b"[]\n")
