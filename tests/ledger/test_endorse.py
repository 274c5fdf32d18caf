"""Signatures of others beside the ledger's own: kept under its lock, and never in the place of a newer head."""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING

import pytest
from world import refused

from bspec_opa.foundation import files
from bspec_opa.ledger.checkpoint import NoteSignature, parse_checkpoint

if TYPE_CHECKING:
    from ledger_bench import Bench

    from bspec_opa.ledger.interface import LedgerState

LINES = [NoteSignature("w1.example", b"abcd", b"x" * 72), NoteSignature("w2.example", b"efgh", b"y" * 72)]


def head(state: LedgerState) -> bytes:
    assert state.checkpoint is not None
    return state.checkpoint.to_bytes()


def test_they_are_kept_and_the_ledger_still_verifies(bench: Bench) -> None:
    state = bench.add("a", "b")
    assert state.checkpoint is not None
    endorsed = bench.store.endorse(state.checkpoint, LINES)
    assert endorsed is not None
    assert endorsed.signatures == (*state.checkpoint.signatures, *LINES)
    assert bench.files()["checkpoint"] == endorsed.to_bytes() == head(bench.store.read())
    assert parse_checkpoint(bench.files()["checkpoint"], "checkpoint") == endorsed
    # Again, and one of them anew: nothing piles up.
    newer = NoteSignature("w1.example", b"abcd", b"z" * 72)
    again = bench.store.endorse(state.checkpoint, [newer])
    assert again is not None
    assert again.signatures == (*state.checkpoint.signatures, LINES[1], newer)


def test_an_append_begins_with_the_ledgers_own_signature_alone(bench: Bench) -> None:
    state = bench.add("a")
    assert state.checkpoint is not None
    bench.store.endorse(state.checkpoint, LINES)
    grown = bench.add("b")
    assert grown.checkpoint is not None
    assert [s.name for s in grown.checkpoint.signatures] == [bench.origin]


@pytest.mark.attack("A45")
def test_a_newer_head_is_not_lost(bench: Bench) -> None:
    before = bench.add("a").checkpoint
    assert before is not None
    bench.add("b")
    kept = bench.files()
    assert bench.store.endorse(before, LINES) is None
    assert bench.files() == kept


def test_there_must_be_a_head(bench: Bench) -> None:
    state = bench.add("a")
    assert state.checkpoint is not None
    bench.store.checkpoint.unlink()
    assert bench.store.endorse(state.checkpoint, LINES) is None
    assert sorted(bench.files()) == ["index.sqlite", "log.jsonl", "nodes"]


@pytest.mark.attack("A56")
def test_it_waits_for_a_writer_and_not_for_ever(bench: Bench) -> None:
    state = bench.add("a")
    assert state.checkpoint is not None
    kept = bench.files()
    with bench.store.log.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        with refused("ledger.busy"):
            bench.open(wait_s=0).endorse(state.checkpoint, LINES)
    assert bench.files() == kept


@pytest.mark.attack("A51")
def test_a_full_disk_leaves_what_was_there(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    state = bench.add("a")
    assert state.checkpoint is not None
    kept = bench.files()
    monkeypatch.setattr(files, "_write_exclusive", full)
    with refused("file.unwritable"):
        bench.store.endorse(state.checkpoint, LINES)
    assert bench.files() == kept


def test_a_head_that_does_not_verify_is_not_endorsed(bench: Bench) -> None:
    state = bench.add("a")
    assert state.checkpoint is not None
    bench.store.checkpoint.write_bytes(state.checkpoint.text + b"\n" + f"{LINES[0].line()}\n".encode())
    with refused("ledger.checkpoint-signature"):
        bench.store.endorse(state.checkpoint, LINES)
