from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from bspec_opa.foundation.closed_checker import checker
from bspec_opa.foundation.closed_schema import (
    DIGEST,
    IDENTIFIER,
    PRINCIPAL,
    TEXT,
    TIME,
    Violation,
    array,
    boolean,
    enum,
    escape,
    integer,
    integers,
    obj,
    optional,
    ref,
    string,
    violations,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.foundation.canonical import JsonObject, JsonValue

type_mix: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab~/", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "x~/"]), inner),
    max_leaves=6,
)


def _arrays(inner: JsonObject) -> st.SearchStrategy[JsonObject]:
    return st.builds(
        lambda low, more: array(inner, minimum=low, maximum=low + more), st.integers(0, 2), st.integers(0, 2)
    )


def _objects(a: JsonObject, b: JsonObject) -> JsonObject:
    return obj({"x~/": b}, a=a)


leaves: st.SearchStrategy[JsonObject] = (
    st.just(boolean())
    | st.builds(lambda low, more: integer(low, low + more), st.integers(-2, 2), st.integers(0, 2))
    | st.sampled_from([integers(0, 1), integers(2), enum("a", "b"), enum("")])
    | st.sampled_from(
        [string(), string(pattern="^[ab]*$"), string(pattern="^a+$", maximum=2), string(minimum=1, maximum=2)]
    )
    | st.just(ref("leaf"))
)
schemas: st.SearchStrategy[JsonObject] = st.recursive(
    leaves,
    lambda inner: inner.flatmap(_arrays) | inner.map(optional) | st.builds(_objects, inner, inner),
    max_leaves=5,
).map(lambda schema: {**schema, "$defs": {"leaf": enum("a", "ab")}})


def fitting(schema: JsonObject) -> st.SearchStrategy[JsonValue]:
    """Values that fit, most of the time."""
    if "$ref" in schema:
        return st.sampled_from(["a", "ab"])
    if "enum" in schema:
        return st.sampled_from(cast("list[JsonValue]", schema["enum"]))
    makers: dict[str, Callable[[JsonObject], st.SearchStrategy[JsonValue]]] = {
        "boolean": lambda _: st.booleans(),
        "integer": lambda s: st.integers(cast("int", s["minimum"]), cast("int", s["maximum"])),
        "string": lambda _: st.text("ab", max_size=3),
        "array": lambda s: st.lists(
            fitting(cast("JsonObject", s["items"])),
            min_size=cast("int", s.get("minItems", 0)),
            max_size=cast("int", s.get("maxItems", 3)),
        ),
        "object": _fitting_object,
    }
    return makers[str(schema["type"])](schema)


def _fitting_object(schema: JsonObject) -> st.SearchStrategy[JsonValue]:
    properties = cast("dict[str, JsonObject]", schema["properties"])
    required = {k: fitting(v) for k, v in properties.items() if k in cast("list[str]", schema["required"])}
    rest = {k: fitting(v) for k, v in properties.items() if k not in required}
    return cast("st.SearchStrategy[JsonValue]", st.fixed_dictionaries(required, optional=rest))


def mutated(value: JsonValue) -> st.SearchStrategy[JsonValue]:
    """The value, or one with some part exchanged, added or removed."""
    if isinstance(value, dict):
        kept = [st.just({k: v for k, v in value.items() if k != gone}) for gone in value]
        deeper = [mutated(value[k]).map(lambda new, k=k: {**value, k: new}) for k in value]  # type: ignore[misc]
        return st.one_of(st.just(value), type_mix, type_mix.map(lambda new: {**value, "b": new}), *kept, *deeper)
    if isinstance(value, list) and value:
        first = mutated(value[0]).map(lambda new: [new, *value[1:]])
        return st.one_of(st.just(value), type_mix, st.just(value[1:]), st.just([*value, value[0]]), first)
    return st.just(value) | type_mix


def as_jsonschema_means_it(schema: JsonValue) -> JsonValue:
    """The same schema with patterns that jsonschema, which searches, matches whole."""
    if isinstance(schema, dict):
        return {k: _whole(v) if k == "pattern" else as_jsonschema_means_it(v) for k, v in schema.items()}
    return schema


def _whole(pattern: JsonValue) -> JsonValue:
    return re.sub(r"\$$", r"\\Z", str(pattern))


@settings(max_examples=400)
@given(st.data())
def test_it_agrees_with_jsonschema(data: st.DataObject) -> None:
    schema = data.draw(schemas)
    value = data.draw(fitting(schema).flatmap(mutated))
    reference = Draft202012Validator(cast("JsonObject", as_jsonschema_means_it(schema)))
    assert (violations(schema, value) == []) is reference.is_valid(value)
    assert checker(schema)(value) == violations(schema, value)


@settings(max_examples=50)
@given(schemas)
def test_what_the_builders_make_are_valid_schemas(schema: JsonObject) -> None:
    Draft202012Validator.check_schema(schema)


PERSON = obj({"nick": string(maximum=3)}, name=string(minimum=1, maximum=5), age=integer(0, 150), class_=enum("a", "b"))


def test_a_fitting_value_has_no_violations() -> None:
    assert violations(PERSON, {"name": "x", "age": 0, "class": "a"}) == []
    assert violations(PERSON, {"name": "x", "age": 0, "class": "a", "nick": "abc"}) == []


def test_every_violation_is_named_with_its_pointer() -> None:
    value: JsonValue = {"name": "", "age": True, "class": "c", "a/b~c": 1}
    assert violations(obj(people=array(PERSON), more=string()), {"people": [value, 1], "x": 1}) == [
        Violation("", 'lacks "more"'),
        Violation("/people/0/name", "is too short or too long"),
        Violation("/people/0/age", "must be an integer"),
        Violation("/people/0/class", "must be one of a, b"),
        Violation("/people/0/a~1b~0c", 'unknown member "a/b~c"'),
        Violation("/people/1", "must be an object"),
        Violation("/x", 'unknown member "x"'),
    ]


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        (array(boolean(), minimum=1, maximum=2), [], "must have 1 to 2 items"),
        (array(boolean(), minimum=1), [], "needs 1 items"),
        (optional(boolean()), [True, False], "must have 0 to 1 items"),
        (array(boolean()), {}, "must be a list"),
        (boolean(), 1, "must be true or false"),
        (integers(1, 2), 3, "must be one of 1, 2"),
        (integers(1, 2), True, "must be an integer"),
        (integer(1, 2), 0, "must be 1 to 2"),
        (string(), 1, "must be a string"),
        (string(pattern="^a$"), "b", "has another form than expected"),
        (
            TIME,
            "YYYY",
            'has another form than expected: a time in UTC such as 2026-06-01T10:00:00Z, and not "YYYY"',
        ),
        (DIGEST, "x", 'has another form than expected: sha256: and 64 digits 0-9a-f, and not "x"'),
    ],
)
def test_messages(schema: JsonObject, value: JsonValue, message: str) -> None:
    assert violations(schema, value) == [Violation("", message)]


def test_a_message_is_short_and_harmless_whatever_the_member_is_called() -> None:
    (found,) = violations(obj(), {"\x1b[0m" + "a" * 1000: 1})
    assert found.message == 'unknown member "\\u001b[0m' + "a" * 56 + '…"'


def test_only_so_many_violations_are_listed() -> None:
    assert len(violations(array(boolean()), [1] * 100)) == 50
    assert len(violations(array(boolean()), [1] * 100, limit=3)) == 3


@pytest.mark.attack("A40")
@pytest.mark.parametrize(
    ("schema", "good"),
    [
        (DIGEST, "sha256:" + "0" * 64),
        (TIME, "2026-05-01T00:00:00Z"),
        (IDENTIFIER, "billing"),
        (PRINCIPAL, "team:support"),
        (string(pattern="^x$"), "x"),
    ],
)
def test_a_pattern_holds_for_the_whole_string_and_refuses_a_trailing_newline(schema: JsonObject, good: str) -> None:
    assert violations(schema, good) == []
    for bad in (good + "\n", "\n" + good, " " + good, good + "\0"):
        (found,) = violations(schema, bad)
        assert (found.pointer, found.message.partition(":")[0]) == ("", "has another form than expected")


@pytest.mark.attack("A40")
def test_a_pattern_with_alternatives_can_not_match_a_part() -> None:
    assert violations(string(pattern="^a|b$"), "ax") != []


@pytest.mark.attack("A37")
@pytest.mark.parametrize("name", ["\u0430dmin", "admin\u200b", "Admin", "-admin", "", "\u00e9", "a" * 201])
def test_identifiers_have_no_twins(name: str) -> None:
    assert violations(IDENTIFIER, name) != []


def test_text_has_a_limit() -> None:
    assert violations(TEXT, "a" * 65_536) == []
    assert violations(TEXT, "a" * 65_537) != []


def test_references_are_looked_up_in_the_schema_itself() -> None:
    schema: JsonObject = {**obj(a=ref("leaf")), "$defs": {"leaf": integer(1, 1)}}
    assert violations(schema, {"a": 1}) == []
    assert violations(schema, {"a": 2}) == [Violation("/a", "must be 1 to 1")]


def test_pointer_tokens_are_escaped() -> None:
    assert escape("a/b~c~1") == "a~1b~0c~01"


@pytest.mark.attack("A40")
def test_no_schema_relies_on_what_validators_leave_out() -> None:
    """``format`` is a remark to most of them, and a NaN is within every bound and of no type."""
    files = sorted((Path(__file__).parents[2] / "docs" / "schemas").glob("*.json"))
    assert len(files) > 10
    assert [f.name for f in files if "format" in properties_aside(json.loads(f.read_text(encoding="utf-8")))] == []
    bounded = integer(0, 5)
    for number in (math.nan, math.inf, -math.inf, 1.0, True, "1", 6, -1):
        assert violations(bounded, cast("JsonValue", number)) != [], number
        assert violations(obj(a=bounded), cast("JsonValue", {"a": number})) != [], number
    # What the NaN would pass, were there only a bound.
    assert Draft202012Validator({"maximum": 5, "minimum": 0}).is_valid(math.nan)


def properties_aside(schema: object) -> set[str]:
    """The keywords of a schema; names of members are none."""
    if isinstance(schema, dict):
        inner = [v for k, v in schema.items() if k not in {"properties", "$defs", "enum", "const", "examples"}]
        named = [v for k in ("properties", "$defs") for v in schema.get(k, {}).values()]
        return set(schema) | {k for v in (*inner, *named) for k in properties_aside(v)}
    return {k for v in schema for k in properties_aside(v)} if isinstance(schema, list) else set()
