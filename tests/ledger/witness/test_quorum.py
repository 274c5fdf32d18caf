from __future__ import annotations

from dataclasses import replace

import pytest
from world import key_of

from bspec_opa.ledger.checkpoint import Checkpoint, NoteSignature, merged, parse_checkpoint, sign_checkpoint
from bspec_opa.ledger.merkle import leaf_hash
from bspec_opa.ledger.witness.cosignature import sign_cosignature
from bspec_opa.ledger.witness.quorum import cosignatures, shortfall
from bspec_opa.trust.witnesses import Witness, Witnesses

NOW = 1_780_000_000
W = tuple(Witness(f"w{n}.example", key_of(f"w{n}").public) for n in (1, 2, 3))
LEDGER = (key_of("ledger").public,)
HEAD = sign_checkpoint("acme.example/bspec", 12, leaf_hash(b"x"), key_of("ledger"))
TWO = Witnesses(threshold=2, max_age_s=3600, skew_s=60, members=W)


def line(n: int, at: int, head: Checkpoint = HEAD) -> NoteSignature:
    return sign_cosignature(head, f"w{n}.example", key_of(f"w{n}"), at)


def why(*lines: NoteSignature, demand: Witnesses = TWO, members: tuple[Witness, ...] = W) -> tuple[str, str]:
    """Code and message; both empty where nothing is missing."""
    found = shortfall(merged(HEAD, lines, LEDGER), demand, members, NOW)
    return (found.code, found.problems[0].message) if found else ("", "")


def test_enough_fresh_ones_are_enough() -> None:
    assert why(line(1, NOW), line(3, NOW - 3600)) == ("", "")
    assert why(line(1, NOW + 60), line(2, NOW), line(3, NOW)) == ("", "")


@pytest.mark.attack("A55")
def test_old_ones_do_not_count() -> None:
    code, message = why(line(1, NOW), line(2, NOW - 3601))
    assert code == "witness.unwitnessed"
    assert message == (
        "1 of 2 witnesses have cosigned the ledger at 12 entries within 1 hour; "
        "the last was w2.example at 2026-05-28T19:26:39Z"
    )


def test_none_and_too_few() -> None:
    assert why() == ("witness.unwitnessed", "0 of 2 witnesses have cosigned the ledger at 12 entries")
    assert why(line(1, NOW)) == ("witness.unwitnessed", "1 of 2 witnesses have cosigned the ledger at 12 entries")
    found = shortfall(None, TWO, W, NOW)
    assert found is not None
    assert found.problems[0].message == "0 of 2 witnesses have cosigned the ledger at 0 entries"


@pytest.mark.attack("A17")
def test_a_clock_that_lies_behind_the_witnesses_denies() -> None:
    code, message = why(line(1, NOW + 61), line(2, NOW))
    assert code == "witness.clock"
    assert message == "it is 2026-05-28T20:26:40Z here, and w1.example has cosigned at 2026-05-28T20:27:41Z"
    assert why(line(1, NOW + 61), line(2, NOW + 10**9))[0] == "witness.clock"


def test_one_witness_with_a_wrong_clock_changes_nothing_while_enough_agree() -> None:
    assert why(line(1, NOW + 10**9), line(2, NOW), line(3, NOW)) == ("", "")
    assert why(line(1, NOW + 10**9), line(2, NOW - 10**9))[0] == "witness.unwitnessed"


def test_one_witness_counts_once_and_by_its_newest_word() -> None:
    twice = merged(HEAD, [line(1, NOW - 5)], LEDGER)
    twice = replace(twice, signatures=(*twice.signatures, line(1, NOW - 7), line(1, NOW - 9000)))
    assert [(c.witness.name, c.at) for c in cosignatures(twice, W)] == [("w1.example", NOW - 5)]
    assert shortfall(twice, TWO, W, NOW) is not None


@pytest.mark.attack("A53")
def test_words_about_another_tree_say_nothing() -> None:
    fork = sign_checkpoint("acme.example/bspec", 12, leaf_hash(b"y"), key_of("ledger"))
    assert why(line(1, NOW, fork), line(2, NOW, fork))[0] == "witness.unwitnessed"


@pytest.mark.attack("A16")
def test_those_whose_key_is_revoked_do_not_count() -> None:
    assert why(line(1, NOW), line(2, NOW), members=(W[0], W[2]))[0] == "witness.unwitnessed"


def test_strangers_do_not_count() -> None:
    mallory = sign_cosignature(HEAD, "w2.example", key_of("mallory"), NOW)
    renamed = replace(line(1, NOW), name="w2.example")
    assert why(line(1, NOW), mallory, renamed)[0] == "witness.unwitnessed"


def test_merging_replaces_keeps_and_stays_within_the_note() -> None:
    first = merged(HEAD, [line(1, 5), line(2, 5)], LEDGER)
    assert first.signatures == (*HEAD.signatures, line(1, 5), line(2, 5))
    assert merged(first, [line(1, 9)], LEDGER).signatures == (*HEAD.signatures, line(2, 5), line(1, 9))
    junk = [NoteSignature(f"junk{n}", b"abcd", b"x") for n in range(15)]
    full = replace(HEAD, signatures=(*HEAD.signatures, *junk))
    kept = merged(full, [line(1, 5), line(2, 5)], LEDGER)
    assert kept.signatures == (*HEAD.signatures, *junk[2:], line(1, 5), line(2, 5))
    assert parse_checkpoint(kept.to_bytes(), "kept") == kept
