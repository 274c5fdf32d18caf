"""Every answer that C2SP tlog-witness knows, by what was sent and what is remembered."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from witnesses import FORKED, GENUINE, ORIGIN, head, named, proof
from world import key_of, refused

from bspec_opa.ledger.checkpoint import Checkpoint, sign_checkpoint
from bspec_opa.ledger.merkle import EMPTY_ROOT, leaf_hash, root_of
from bspec_opa.ledger.witness.cosignature import sign_cosignature
from bspec_opa.ledger.witness.judging import Judgement, judge
from bspec_opa.ledger.witness.request import AddCheckpoint

W1 = named("w1")
LOGS = {ORIGIN: [key_of("old-ledger").public, key_of("ledger").public]}


def asked(old: int, new: Checkpoint, shown: tuple[bytes, ...] = (), *, known: Checkpoint | None = None) -> Judgement:
    remembered = {known.origin: known} if known else {}
    return judge(AddCheckpoint(old, shown, new).to_bytes(), LOGS, remembered, W1)


def test_the_first_checkpoint_is_taken_whatever_its_size() -> None:
    for size in (0, 1, 7):
        assert asked(0, head(size)) == Judgement(HTTPStatus.OK, head(size), origin=ORIGIN)


@pytest.mark.parametrize(
    ("old", "size"), [(o, s) for s in (1, 2, 5, 8, 21, 40) for o in (1, 2, 5, 8, 21, 40) if o <= s]
)
def test_what_goes_on_is_taken(old: int, size: int) -> None:
    found = asked(old, head(size), proof(old, size), known=head(old))
    assert found == Judgement(HTTPStatus.OK, head(size), origin=ORIGIN)


def test_any_key_of_the_log_will_do_and_strange_signatures_are_ignored() -> None:
    assert asked(0, head(3, by="old-ledger")).status == HTTPStatus.OK
    both = replace(head(3), signatures=(*head(3, by="mallory").signatures, *head(3).signatures))
    assert asked(0, both).status == HTTPStatus.OK


@pytest.mark.attack("A53")
def test_a_fork_is_refused_however_it_is_presented() -> None:
    known = head(8)
    grown, same = head(12, FORKED), head(8, FORKED)
    assert asked(8, grown, proof(8, 12, FORKED), known=known).status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert asked(8, grown, proof(8, 12), known=known).status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert asked(8, grown, (), known=known).status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert asked(8, same, (), known=known) == Judgement(
        HTTPStatus.CONFLICT, size=8, misbehaviour="two histories of 8 entries", origin=ORIGIN
    )
    assert asked(5, grown, proof(5, 12, FORKED), known=known) == Judgement(HTTPStatus.CONFLICT, size=8, origin=ORIGIN)
    assert asked(0, grown, (), known=known) == Judgement(HTTPStatus.CONFLICT, size=8, origin=ORIGIN)


@pytest.mark.attack("A55")
def test_an_older_tree_is_refused_even_though_it_is_genuine() -> None:
    assert asked(8, head(5), (), known=head(8)).status == HTTPStatus.BAD_REQUEST
    for old in (0, 5):
        found = asked(old, head(5), (), known=head(8))
        assert found == Judgement(HTTPStatus.CONFLICT, size=8, origin=ORIGIN)


def test_an_empty_tree_is_only_cosigned_while_nothing_is_known() -> None:
    assert asked(0, head(0), known=head(0)).status == HTTPStatus.OK
    assert asked(0, head(0), known=head(1)).status == HTTPStatus.CONFLICT
    wrong = sign_checkpoint(ORIGIN, 0, leaf_hash(b"x"), key_of("ledger"))
    assert asked(0, wrong).status == HTTPStatus.CONFLICT
    assert root_of([]) == EMPTY_ROOT


def test_a_proof_must_be_exactly_what_is_needed() -> None:
    shown = proof(5, 12)
    for bad in (shown[:-1], (*shown, shown[0]), tuple(reversed(shown)), (*shown[:-1], bytes(32))):
        found = asked(5, head(12), bad, known=head(5))
        assert (found.status, found.checkpoint) == (HTTPStatus.UNPROCESSABLE_ENTITY, None)
        assert (found.misbehaviour, found.unproven) == ("", "12 entries that are not shown to go on from the 5 before")
    assert asked(0, head(12), (bytes(32),)).status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert asked(5, head(5), (bytes(32),), known=head(5)).status == HTTPStatus.UNPROCESSABLE_ENTITY


def test_strangers_and_forgeries() -> None:
    assert asked(0, head(3, origin="other.example/log")) == Judgement(HTTPStatus.NOT_FOUND)
    assert asked(0, head(3, by="mallory")) == Judgement(HTTPStatus.FORBIDDEN, origin=ORIGIN)
    assert asked(0, replace(head(3), size=4)) == Judgement(HTTPStatus.FORBIDDEN, origin=ORIGIN)
    assert asked(4, head(3)) == Judgement(HTTPStatus.BAD_REQUEST, origin=ORIGIN)
    assert judge(b"old 0\n", LOGS, {}, W1) == Judgement(HTTPStatus.BAD_REQUEST)
    cosigned = replace(head(3), signatures=(sign_cosignature(head(3), ORIGIN, key_of("ledger"), 7),))
    assert asked(0, cosigned).status == HTTPStatus.FORBIDDEN


def test_a_witness_that_sees_more_signed_by_itself_than_it_remembers_stops() -> None:
    mine = sign_cosignature(head(8), W1.name, key_of("w1"), 7)
    bearing = replace(head(8), signatures=(*head(8).signatures, mine))
    for known in (None, head(5), head(8, FORKED)):
        with refused("witness.state-changed"):
            asked(known.size if known else 0, bearing, proof(5, 8), known=known)
    assert asked(8, bearing, known=head(8)).status == HTTPStatus.OK
    assert asked(12, bearing, known=head(12)).status == HTTPStatus.BAD_REQUEST
    # Nobody else can make it stop: the signature has to be its own.
    forged = sign_cosignature(head(8), W1.name, key_of("mallory"), 7)
    found = asked(0, replace(head(8), signatures=(*head(8).signatures, forged)))
    assert found.status == HTTPStatus.OK


@pytest.mark.attack("A53")
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12), st.integers(0, 12)), min_size=2, max_size=12))
def test_whatever_a_log_asks_for_its_cosigned_heads_are_one_history(asks: list[tuple[bool, int, int]]) -> None:
    """Its own key signs two histories and asks in any order, with the best proofs that there are."""
    known: dict[str, Checkpoint] = {}
    history: list[tuple[int, bytes]] = []
    for forked, old, size in asks:
        leaves = FORKED if forked else GENUINE
        shown = proof(old, size, leaves) if old <= size else ()
        found = judge(AddCheckpoint(old, shown, head(size, leaves)).to_bytes(), LOGS, known, W1)
        if found.checkpoint is not None:
            known[ORIGIN] = found.checkpoint
            history.append((size, found.checkpoint.root))
    sizes = [size for size, _ in history]
    assert sizes == sorted(sizes)
    assert any(all(root_of(leaves[:size]) == root for size, root in history) for leaves in (GENUINE, FORKED))


@given(st.binary(max_size=400), st.integers(0, 400))
def test_no_bytes_bring_anything_but_an_answer(data: bytes, at: int) -> None:
    request = AddCheckpoint(5, proof(5, 8), head(8)).to_bytes()
    changed = request[:at] + data + request[at + len(data) :]
    for body in (data, changed):
        found = judge(body, LOGS, {ORIGIN: head(5)}, W1)
        assert (found.status == HTTPStatus.OK) == (found.checkpoint is not None)
        assert found.checkpoint is None or found.checkpoint.text == head(8).text
