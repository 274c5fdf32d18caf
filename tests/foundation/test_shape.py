from __future__ import annotations

import pytest

from bspec_opa.foundation.closed_schema import array, integer, obj
from bspec_opa.foundation.document.load import load_document
from bspec_opa.foundation.errors import ExitCode, Reason
from bspec_opa.foundation.shape import readable, shape_problems, value_problems

SHAPE = Reason("test.shape", ExitCode.INVALID, "", "")
SCHEMA = obj({"a/b": obj(inner=integer())}, items=array(obj(count=integer(0, 9))))


def test_problems_have_places_and_near_names() -> None:
    document = load_document(b"items:\n  - {count: 1, coun: 2}\n  - {count: 10}\na/b: {iner: 1, inner: 2}\n", "x.yaml")
    assert [str(p) for p in shape_problems(SCHEMA, document, SHAPE)] == [
        'x.yaml:2:16: items[0].coun: unknown member "coun"; did you mean "count"?',
        "x.yaml:3:13: items[1].count: must be 0 to 9",
        'x.yaml:4:7: a/b.iner: unknown member "iner"; did you mean "inner"?',
    ]


def test_a_value_of_no_document_has_no_place() -> None:
    assert [str(p) for p in value_problems(SCHEMA, {}, SHAPE, None)] == ['lacks "items"']
    assert value_problems(SCHEMA, {"items": []}, SHAPE, None) == []


@pytest.mark.parametrize(
    ("pointer", "text"),
    [("", ""), ("/a", "a"), ("/a/0/b", "a[0].b"), ("/0", "[0]"), ("/a~1b/c~0d/~01", "a/b.c~d.~1")],
)
def test_pointers_are_written_as_people_do(pointer: str, text: str) -> None:
    assert readable(pointer) == text
