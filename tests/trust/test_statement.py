from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import World, digest, refused

from bspec_opa.bundle.contract import definitions
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import hex_of
from bspec_opa.trust.statement import (
    MAX_SUBJECTS,
    RECORD_OF_TYPE,
    RECORD_TYPES,
    STATEMENT_TYPE,
    Statement,
    Subject,
    parse_statement,
    record_of,
    record_statement,
    require_subjects,
)

if TYPE_CHECKING:
    from collections.abc import Callable


SUBJECTS = (Subject("behavior.intent", World.INTENT), Subject("binding", World.BINDING))
GOOD = record_statement("submit", SUBJECTS, {"a": 1})


def changed(change: Callable[[Any], object]) -> bytes:
    value = json.loads(GOOD.payload())
    change(value)
    return canonical_bytes(value)


def test_statement_survives_its_payload() -> None:
    assert parse_statement(GOOD.payload()) == GOOD


def test_payload_is_an_in_toto_statement() -> None:
    assert json.loads(GOOD.payload()) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "behavior.intent", "digest": {"sha256": hex_of(World.INTENT)}},
            {"name": "binding", "digest": {"sha256": hex_of(World.BINDING)}},
        ],
        "predicateType": "urn:bspec-opa:submit:v1",
        "predicate": {"a": 1},
    }


def test_record_types_are_a_closed_list() -> None:
    assert RECORD_TYPES == {
        "submit": "urn:bspec-opa:submit:v1",
        "evidence": "urn:bspec-opa:evidence:v1",
        "approval": "urn:bspec-opa:approval:v1",
        "waiver": "urn:bspec-opa:waiver:v1",
        "request": "urn:bspec-opa:request:v1",
        "review": "urn:bspec-opa:review:v1",
        "promotion": "urn:bspec-opa:promotion:v1",
        "rollback": "urn:bspec-opa:rollback:v1",
        "denial": "urn:bspec-opa:denial:v1",
        "revocation": "urn:bspec-opa:revocation:v1",
        "retirement": "urn:bspec-opa:retirement:v1",
    }
    assert {RECORD_OF_TYPE[uri]: uri for uri in RECORD_OF_TYPE} == RECORD_TYPES
    assert set(definitions.RECORD_TYPES) <= RECORD_TYPES.keys()


@pytest.mark.attack("A05")
@pytest.mark.attack("A20")
@pytest.mark.parametrize(
    "uri",
    [
        "",
        "urn:bspec-opa:approval:v2",
        "urn:bspec-opa:approval",
        "urn:bspec-opa:approval:v1 ",
        "URN:bspec-opa:approval:v1",
        "https://slsa.dev/provenance/v1",
    ],
)
def test_any_other_predicate_type_is_refused(uri: str) -> None:
    with refused("trust.wrong-type"):
        record_of(Statement(SUBJECTS, uri, {}))


def test_record_of_names_the_record() -> None:
    assert {record_of(record_statement(r, SUBJECTS, {})) for r in RECORD_TYPES} == set(RECORD_TYPES)


def first_subject(value: Any) -> Any:
    return value["subject"][0]


REFUSED: dict[str, Callable[[Any], object]] = {
    "another statement version": lambda s: s.update(_type="https://in-toto.io/Statement/v0.1"),
    "no version": lambda s: s.pop("_type"),
    "predicate_type beside predicateType": lambda s: s.update(predicate_type="urn:bspec-opa:approval:v1"),
    "predicate_type alone": lambda s: s.update(predicate_type=s.pop("predicateType")),
    "predicateType a number": lambda s: s.update(predicateType=1),
    "predicate missing": lambda s: s.pop("predicate"),
    "predicate a list": lambda s: s.update(predicate=[]),
    "predicate null": lambda s: s.update(predicate=None),
    "no subject": lambda s: s.update(subject=[]),
    "subject an object": lambda s: s.update(subject={}),
    "subject with a uri": lambda s: first_subject(s).update(uri="x"),
    "subject with a second digest": lambda s: first_subject(s).update(digest={"sha256": "0" * 64, "sha1": "0" * 40}),
    "subject with a prefixed digest": lambda s: first_subject(s).update(digest={"sha256": World.INTENT}),
    "subject with a short digest": lambda s: first_subject(s).update(digest={"sha256": "00"}),
    "subject without a name": lambda s: first_subject(s).update(name=""),
    "name with a line feed": lambda s: first_subject(s).update(name="a\nb"),
    "name twice": lambda s: first_subject(s).update(name="binding"),
    "too many subjects": lambda s: s.update(
        subject=[{"name": f"s{n}", "digest": {"sha256": "0" * 64}} for n in range(MAX_SUBJECTS + 1)]
    ),
}


@pytest.mark.attack("A34")
@pytest.mark.attack("A04")
@pytest.mark.parametrize("name", REFUSED)
def test_statement_that_is_not_closed_is_refused(name: str) -> None:
    with refused("trust.bad-statement"):
        parse_statement(changed(REFUSED[name]))


@pytest.mark.attack("A34")
@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        GOOD.payload() + b"\n",
        b" " + GOOD.payload(),
        GOOD.payload().replace(b'"predicate"', b'"predicate":{},"predicate"', 1),
        GOOD.payload().replace(b'{"a":1}', b'{"a":1.0}'),
        GOOD.payload().replace(b'{"a":1}', b'{"a":NaN}'),
        GOOD.payload().replace(b'{"a":1}', b'{"a":9007199254740993}'),
        json.dumps(json.loads(GOOD.payload()), sort_keys=True).encode(),
    ],
)
def test_payload_in_any_other_form_is_refused(payload: bytes) -> None:
    with refused("trust.bad-statement"):
        parse_statement(payload)


@given(st.binary(max_size=200))
def test_rubbish_is_refused_with_our_error(payload: bytes) -> None:
    with refused("trust.bad-statement"):
        parse_statement(payload)


def test_digest_of_a_subject() -> None:
    assert GOOD.digest_of("binding") == World.BINDING
    assert GOOD.digest_of("surface") is None


@pytest.mark.attack("A06")
@pytest.mark.parametrize(
    "expected",
    [
        (),
        SUBJECTS[:1],
        (*SUBJECTS, Subject("surface", World.SURFACE)),
        (SUBJECTS[0], Subject("binding", digest("another"))),
        (SUBJECTS[0], Subject("Binding", World.BINDING)),
        (Subject("behavior.intent", World.BINDING), Subject("binding", World.INTENT)),
    ],
)
def test_subjects_are_an_exact_set_of_names_and_digests(expected: tuple[Subject, ...]) -> None:
    require_subjects(GOOD, reversed(SUBJECTS), "record")
    with refused("trust.wrong-subjects"):
        require_subjects(GOOD, expected, "record")


def test_statement_type_is_the_current_one() -> None:
    assert STATEMENT_TYPE.endswith("/v1")
