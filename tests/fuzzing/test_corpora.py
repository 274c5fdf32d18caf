"""What fuzzers are given is read again with every change; ``make fuzz`` looks for more."""

from __future__ import annotations

import hashlib
import time

import pytest
from fuzzing.corpora import CORPORA, LARGEST, saved, seeds
from fuzzing.harnesses import HARNESSES, FuzzError, Harness
from fuzzing.mutating import mutations
from hypothesis import settings

from bspec_opa.foundation.errors import BspecError
from bspec_opa.ledger.reasons import BUSY


@pytest.mark.attack("A66")
@pytest.mark.parametrize("name", HARNESSES)
def test_every_saved_input_is_answered_within_a_second(name: str) -> None:
    """A refusal with a reason, or a proof that nothing was let through."""
    found = [HARNESSES[name].check(data) for data in saved(name)]
    assert len(found) == len({*saved(name)}) > 0
    assert max(len(d) for d in saved(name)) <= LARGEST


@pytest.mark.parametrize("name", HARNESSES)
def test_what_is_made_of_them_is_answered_too(name: str) -> None:
    settings(max_examples=10)(mutations(name))()


@pytest.mark.parametrize("name", ["document", "record"])
def test_another_fuzzer_can_draw_them(name: str) -> None:
    """Through Hypothesis: bytes become a choice of input and changes."""
    draw = mutations(name).hypothesis.fuzz_one_input
    drawn = [hashlib.shake_256(bytes([n])).digest(200) for n in range(5)]
    assert [draw(data) for data in drawn] != [None] * 5


def test_there_is_a_directory_for_each() -> None:
    assert {d.name for d in CORPORA.iterdir()} == set(HARNESSES)


@pytest.mark.parametrize("name", HARNESSES)
def test_what_is_genuine_is_accepted(name: str) -> None:
    """A harness that refuses everything finds nothing. No archive is whole: that would be a bundle."""
    found = {HARNESSES[name].check(data) for data in seeds(name)}
    assert (True in found) == (name != "archive")


def test_a_harness_finds_what_must_not_be() -> None:
    def slow(_: bytes) -> None:
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass

    def broken(_: bytes) -> None:
        raise RecursionError

    def two_lines(_: bytes) -> None:
        raise BUSY.error("one\ntwo")

    for run, fault in ((slow, FuzzError), (broken, RecursionError), (two_lines, FuzzError)):
        with pytest.raises(fault):
            Harness("x", run, longest_s=0.01).check(b"")

    def refused(_: bytes) -> None:
        raise BUSY.error("no")

    assert not Harness("x", refused).check(b"")
    assert not issubclass(FuzzError, BspecError)
