from __future__ import annotations

import copy
import itertools
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intents import TEXTS, VALUES, Json, example, full, intents, places, put
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from bspec_opa.bundle.contract.definitions import DIALECT as INPUT_DIALECT
from bspec_opa.foundation.digest import digest_json
from bspec_opa.intent import schema
from bspec_opa.intent.load import read_model
from bspec_opa.intent.model import Intent, Part

if TYPE_CHECKING:
    from pathlib import Path

VALIDATOR = Draft202012Validator(schema.json_schema())


def by_model(document: object) -> bool:
    try:
        read_model(document)  # type: ignore[arg-type] # anything at all
    except ValidationError:
        return False
    return True


def same_verdict(document: object) -> bool:
    """The verdict of both, which must be one."""
    accepted = by_model(document)
    assert VALIDATOR.is_valid(document) == accepted
    return accepted


def test_the_published_file_is_what_the_model_generates() -> None:
    assert schema.PUBLISHED.read_text(encoding="utf-8") == schema.rendered()


def test_the_schema_digest_is_of_the_published_file() -> None:
    assert schema.schema_digest() == digest_json(schema.json_schema())


def test_it_is_a_schema_of_the_dialect_with_an_id() -> None:
    Draft202012Validator.check_schema(schema.json_schema())
    head = schema.json_schema()
    assert (head["$schema"], head["$id"]) == (INPUT_DIALECT, "urn:bspec-opa:schema:behavior.intent:v1")


def objects(node: Any) -> list[Json]:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    found = [node] if isinstance(node, dict) and "properties" in node else []
    return found + list(itertools.chain.from_iterable(map(objects, inner)))


def test_every_object_is_closed_but_for_extensions_and_every_member_is_described() -> None:
    for part in objects(schema.json_schema()):
        assert part["additionalProperties"] is False
        assert part["patternProperties"] == {"^x-": True}
        assert part["title"]
        assert part["description"]
        assert all(member["description"] for member in part["properties"].values())


def test_no_null_no_union_and_no_lookaround() -> None:
    text = schema.rendered()
    assert not {word for word in ("anyOf", '"null"', "(?", "oneOf") if word in text}


def test_check_and_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "behavior-intent-v1.json"
    assert schema.main(["--check"], target) == 1
    assert "stale" in capsys.readouterr().err
    assert schema.main([], target) == 0
    assert schema.main(["--check"], target) == 0
    assert target.read_text(encoding="utf-8") == schema.rendered()


def test_check_from_the_command_line() -> None:
    run = subprocess.run([sys.executable, "-m", "bspec_opa.intent.schema", "--check"], check=False, capture_output=True)
    assert (run.returncode, run.stderr) == (0, b"")


# Parity: model and JSON Schema accept and refuse the same documents.


@given(intents())
@settings(max_examples=60)
def test_both_accept_what_is_valid(document: Json) -> None:
    assert same_verdict(document)


def test_both_accept_every_member_at_once() -> None:
    assert same_verdict(full())


def test_the_full_example_uses_every_member() -> None:
    """So that the mutations below reach every field."""
    assert never_set(read_model(full())) == set()


def never_set(model: Intent) -> set[tuple[str, str]]:
    parts: list[Part] = [model]
    used: set[tuple[str, str]] = set()
    every: set[tuple[str, str]] = set()
    for part in parts:
        name = type(part).__name__
        every |= {(name, field) for field in type(part).model_fields}
        used |= {(name, field) for field in part.model_fields_set}
        for field in type(part).model_fields:
            value = getattr(part, field)
            inner = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else [value]
            parts += [item for item in inner if isinstance(item, Part)]
    return every - used


def drop(document: Json, path: tuple[Any, ...]) -> Json:
    result = copy.deepcopy(document)
    node: Any = result
    for token in path[:-1]:
        node = node[token]
    del node[path[-1]]
    return result


PLACES = [path for path, _ in places(full())]


@given(st.sampled_from(PLACES), VALUES)
@settings(max_examples=600)
def test_both_agree_after_one_value_is_replaced(path: tuple[Any, ...], value: Any) -> None:
    same_verdict(put(full(), path, value))


@given(st.sampled_from([p for p in PLACES if p]))
@settings(max_examples=150)
def test_both_agree_after_one_member_is_dropped(path: tuple[Any, ...]) -> None:
    same_verdict(drop(full(), path))


@given(
    st.sampled_from([path for path, value in places(full()) if isinstance(value, dict)]),
    TEXTS | st.sampled_from(["x-", "x-a", "X-a", "x", "retension_days", "staging2"]),
    VALUES,
)
@settings(max_examples=300)
def test_both_agree_after_one_member_is_added(path: tuple[Any, ...], name: str, value: Any) -> None:
    same_verdict(put(full(), (*path, name), value))


@pytest.mark.attack("A40")
@given(VALUES)
def test_both_agree_on_anything(value: Any) -> None:
    same_verdict(value)


@pytest.mark.parametrize("path", [p for p, value in places(full()) if isinstance(value, dict)], ids=str)
def test_extensions_are_accepted_in_every_object_and_null_nowhere_else(path: tuple[Any, ...]) -> None:
    a_map = path in {("metadata", "labels"), ("promotion",)}
    inside = path[:1] == ("x-anything",)
    assert same_verdict(put(full(), (*path, "x-own"), {"deep": [None]})) == (not a_map or inside)


@pytest.mark.parametrize("path", [p for p in PLACES if p and p[0] != "x-anything"], ids=str)
def test_null_is_refused_at_every_place(path: tuple[Any, ...]) -> None:
    assert not same_verdict(put(full(), path, None))


@pytest.mark.parametrize("path", [p for p, value in places(full()) if type(value) is int], ids=str)
@pytest.mark.parametrize("value", [True, False, "1", 10**15])
def test_integers_are_strict(path: tuple[Any, ...], value: object) -> None:
    assert not same_verdict(put(full(), path, value))


@pytest.mark.attack("A40")
@pytest.mark.parametrize(
    "path",
    [p for p, value in places(full()) if isinstance(value, str) and p[-1] not in {"purpose", "statement"}],
    ids=str,
)
def test_a_newline_at_the_end_is_refused_by_both(path: tuple[Any, ...]) -> None:
    free = path[0] == "x-anything" or path[:2] == ("metadata", "labels") or (path[0], path[-1]) == ("tools", "version")
    value = str(dict(places(full()))[path]) + "\n"
    assert same_verdict(put(full(), path, value)) == free


def test_the_model_is_frozen() -> None:
    model = read_model(example())
    with pytest.raises(ValidationError):
        model.purpose = "another"  # type: ignore[misc]


def test_the_published_file_is_json() -> None:
    assert json.loads(schema.PUBLISHED.read_bytes()) == schema.json_schema()
