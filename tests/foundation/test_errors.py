from __future__ import annotations

import pickle

import pytest

from bspec_opa.foundation.errors import (
    PRECEDENCE,
    BspecError,
    EngineError,
    ExitCode,
    InvalidInputError,
    Location,
    Problem,
    Reason,
    StoreError,
    TrustError,
    UsageError,
    error_of,
    worst,
)

INVALID = Reason("room.invalid", ExitCode.INVALID, "summary", "remedy")
TRUST = Reason("room.untrusted", ExitCode.TRUST, "summary", "remedy")


def test_exit_codes_are_the_documented_numbers() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "OK": 0,
        "INTERNAL": 1,
        "USAGE": 2,
        "INVALID": 3,
        "DENIED": 4,
        "PENDING": 5,
        "WARNED": 6,
        "TRUST": 7,
        "ENGINE": 8,
        "STORE": 9,
    }


def test_precedence_orders_every_code_once() -> None:
    assert [code.value for code in PRECEDENCE] == [1, 2, 3, 7, 8, 9, 4, 5, 6, 0]


def test_the_worst_code_comes_first_in_the_precedence() -> None:
    assert worst([ExitCode.WARNED, ExitCode.DENIED, ExitCode.STORE]) is ExitCode.STORE
    assert worst([ExitCode.TRUST, ExitCode.INVALID]) is ExitCode.INVALID
    assert worst([]) is ExitCode.OK


@pytest.mark.parametrize(
    ("location", "text"),
    [
        (Location("a.yaml"), "a.yaml"),
        (Location("a.yaml", 3), "a.yaml:3"),
        (Location("a.yaml", 3, 7), "a.yaml:3:7"),
    ],
)
def test_a_location_reads_like_a_compiler_message(location: Location, text: str) -> None:
    assert str(location) == text


def test_a_problem_says_where_what_and_what_to_do() -> None:
    assert str(INVALID.problem("is wrong", hint="right it", at=Location("f", 1))) == "f:1: is wrong; right it"
    assert str(INVALID.problem("is wrong")) == "is wrong"


@pytest.mark.parametrize(
    ("exit_code", "kind"),
    [
        (ExitCode.USAGE, UsageError),
        (ExitCode.INVALID, InvalidInputError),
        (ExitCode.TRUST, TrustError),
        (ExitCode.ENGINE, EngineError),
        (ExitCode.STORE, StoreError),
        (ExitCode.INTERNAL, BspecError),
    ],
)
def test_the_class_of_an_error_follows_from_its_exit_code(exit_code: ExitCode, kind: type[BspecError]) -> None:
    error = Reason("room.code", exit_code, "s", "r").error("m")
    assert type(error) is kind
    assert (error.code, error.exit_code) == ("room.code", exit_code)


def test_an_error_of_several_problems_keeps_their_order_and_takes_the_worst_code() -> None:
    problems: list[Problem] = [TRUST.problem("one"), INVALID.problem("two")]
    error = error_of(problems)
    assert isinstance(error, InvalidInputError)
    assert error.problems == tuple(problems)
    assert error.code == "room.untrusted"
    assert str(error) == "one\ntwo"


def test_an_error_without_a_problem_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="at least one problem"):
        error_of([])


def test_errors_come_whole_from_another_process() -> None:
    error = INVALID.error("what is wrong", hint="what to do", at=Location("a.yaml", 3, 4))
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(copy), copy.problems, str(copy)) == (type(error), error.problems, str(error))
