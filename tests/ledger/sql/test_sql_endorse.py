"""Signatures of others in a database: one more edition of the head, because what is there is never changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.errors import TrustError
from bspec_opa.ledger.checkpoint import NoteSignature

if TYPE_CHECKING:
    from sql_bench import SqlBench

LINES = [NoteSignature("w1.example", b"abcd", b"x" * 72), NoteSignature("w2.example", b"efgh", b"y" * 72)]


def test_they_are_kept_and_the_ledger_still_verifies(bench: SqlBench) -> None:
    head = bench.add("a", "b").checkpoint
    assert head is not None
    endorsed = bench.store.endorse(head, LINES)
    assert endorsed is not None
    assert endorsed.signatures == (*head.signatures, *LINES)
    assert bench.store.read().checkpoint == bench.store.tip().checkpoint == endorsed
    assert bench.counts()["checkpoints"] == 2
    newer = NoteSignature("w1.example", b"abcd", b"z" * 72)
    again = bench.store.endorse(head, [newer])
    assert again is not None
    assert again.signatures == (*head.signatures, LINES[1], newer)
    assert bench.store.endorse(head, [newer]) == again == bench.store.read().checkpoint
    assert bench.counts()["checkpoints"] == 3  # what adds nothing is not written


def test_an_append_goes_on_from_an_endorsed_head_with_the_ledgers_own_signature_alone(bench: SqlBench) -> None:
    head = bench.add("a").checkpoint
    assert head is not None
    bench.store.endorse(head, LINES)
    grown = bench.add("b")
    assert grown.checkpoint is not None
    assert [s.name for s in grown.checkpoint.signatures] == [bench.origin]
    assert bench.store.read() == grown


@pytest.mark.attack("A45")
def test_a_newer_head_is_not_lost(bench: SqlBench) -> None:
    before = bench.add("a").checkpoint
    assert before is not None
    state = bench.add("b")
    kept = bench.counts()
    assert bench.store.endorse(before, LINES) is None
    assert (bench.counts(), bench.store.read()) == (kept, state)


def test_two_at_once_both_have_theirs(bench: SqlBench) -> None:
    head = bench.add("a").checkpoint
    assert head is not None
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda line: bench.open().endorse(head, [line]), LINES))
    assert None not in found
    kept = bench.store.read().checkpoint
    assert kept is not None
    assert {s.name for s in kept.signatures} == {bench.origin, "w1.example", "w2.example"}


def test_a_head_that_was_taken_away_is_not_put_back(bench: SqlBench) -> None:
    head = bench.add("a").checkpoint
    assert head is not None
    bench.attack("DELETE FROM checkpoints")
    with pytest.raises(TrustError) as caught:
        bench.store.endorse(head, LINES)
    assert (caught.value.code, bench.counts()["checkpoints"]) == ("ledger.no-checkpoint", 0)
