from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import pytest

from bspec_opa.engine import reasons
from bspec_opa.engine.interface import Answer
from bspec_opa.engine.patience import FAILURES, GONE, Patient
from bspec_opa.engine.reasons import BAD_REPLY, STALE_BUNDLE, TIMEOUT, TLS, UNREACHABLE
from bspec_opa.foundation.errors import BspecError

if TYPE_CHECKING:
    from bspec_opa.foundation.errors import Reason

ANSWER = Answer({}, ())


class Scripted:
    """An engine that does what it is told, once for each time it is asked."""

    notes = ("a note",)

    def __init__(self, *script: Reason | None) -> None:
        self.script = list(script)
        self.closed = False

    def decide(self, _: Any) -> Answer:
        reason = self.script.pop(0)
        if reason is not None:
            raise reason.error("failed")
        return ANSWER

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def outcomes(patient: Patient, number: int) -> list[str]:
    found = []
    for _ in range(number):
        try:
            assert patient.decide({}) is ANSWER
            found.append("answer")
        except BspecError as e:
            found.append(e.code)
    return found


@pytest.mark.parametrize("code", sorted(GONE))
def test_some_failures_in_a_row_are_enough(code: str) -> None:
    (reason,) = [r for r in vars(reasons).values() if getattr(r, "code", "") == code]
    engine = Scripted(None, *[reason] * FAILURES, None)
    assert outcomes(Patient(engine), FAILURES + 3) == ["answer", *[code] * (FAILURES + 2)]
    assert engine.script == [None]


def test_fewer_are_forgiven() -> None:
    script = [TIMEOUT, UNREACHABLE, None, TLS, TIMEOUT, BAD_REPLY, TIMEOUT, UNREACHABLE, None]
    found = outcomes(Patient(Scripted(*script)), len(script))
    assert found == [r.code if r else "answer" for r in script]


@pytest.mark.parametrize("reason", [BAD_REPLY, STALE_BUNDLE])
def test_a_bad_answer_is_not_held_against_the_next_request(reason: Reason) -> None:
    assert outcomes(Patient(Scripted(reason, None, reason, None)), 4) == [reason.code, "answer"] * 2


def test_it_stands_for_the_engine() -> None:
    engine = Scripted(UNREACHABLE)
    with Patient(engine) as patient:
        assert patient.notes == ("a note",)
        assert not engine.closed
    assert engine.closed
