"""What every ledger store has to do, whatever it keeps a ledger in: one suite, to be subclassed for each store.

A store's tests subclass :class:`StoreConformance` and give the fixture ``ledger`` a :class:`Ledger`: the store, and what
somebody could do who writes to the place behind its back.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ledger_bench import NOW, ORIGIN, Bench, new_key

from bspec_opa.foundation.errors import BspecError, StoreError, TrustError
from bspec_opa.ledger import merkle
from bspec_opa.ledger.checkpoint import sign_checkpoint
from bspec_opa.ledger.entry import MAX_ENTRY_BYTES, Entry, entry_of
from bspec_opa.ledger.interface import LedgerState, Tip
from bspec_opa.ledger.nodes import Frontier

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.ledger.interface import Store
    from bspec_opa.trust.keys import PrivateKey, PublicKey


class Ledger(ABC):
    """One ledger: its store, and its place in the hands of an attacker.

    Attributes:
        cures_nodes: whether the store makes its Merkle nodes anew from verified entries; otherwise it refuses.
    """

    cures_nodes: bool

    def __init__(self, key: PrivateKey, author: PrivateKey) -> None:
        self.key = key
        self.records = Bench(Path("nowhere"), key, author)

    @abstractmethod
    def open(self, wait_s: float = 30.0) -> Store:
        """The store, as another process would open it."""

    @abstractmethod
    def another(self) -> Ledger:
        """An empty ledger of the same name and key elsewhere."""

    @abstractmethod
    def replace(self, seq: int, leaf: bytes) -> None:
        """Put other bytes in an entry's place."""

    @abstractmethod
    def cut(self, size: int) -> None:
        """Remove all entries but the first ones."""

    @abstractmethod
    def put_after(self, entry: Entry) -> None:
        """Put an entry after the last one, without a checkpoint."""

    @abstractmethod
    def put_checkpoint(self, note: bytes) -> None:
        """Put another checkpoint in place of the newest."""

    @abstractmethod
    def spoil_nodes(self) -> None:
        """Put other hashes in place of all stored nodes."""

    @property
    def store(self) -> Store:
        return self.open()

    def entry(self, seq: int, label: str, at: int = NOW) -> Entry:
        return entry_of(seq, at, "submit", self.records.record(label))

    def draft(self, tip: Tip, *labels: str, at: int = NOW) -> tuple[Entry, ...]:
        return tip.draft(at, [("submit", self.records.record(x)) for x in labels])

    def add(self, *labels: str, at: int = NOW) -> Tip:
        """Append by the tip alone."""
        store = self.open()
        tip = store.tip()
        return store.append(tip, self.draft(tip, *labels, at=at), self.key)


class Hooked:
    """A signer that does something before it signs."""

    def __init__(self, key: PrivateKey, act: Callable[[], object]) -> None:
        self._key = key
        self._act = act

    @property
    def public(self) -> PublicKey:
        return self._key.public

    def sign(self, message: bytes) -> bytes:
        self._act()
        return self._key.sign(message)


def refused(call: Callable[[], object], *codes: str) -> str:
    """The error's text; its code is one of these."""
    with pytest.raises(BspecError) as caught:
        call()
    assert caught.value.code in codes
    return str(caught.value)


class StoreConformance:
    """The suite. Subclasses give the fixture ``ledger``."""

    # Reading and appending

    def test_a_ledger_that_nobody_wrote_is_empty(self, ledger: Ledger) -> None:
        store = ledger.store
        assert store.origin == ORIGIN
        assert store.tip() == Tip(ORIGIN)
        assert store.read() == LedgerState(ORIGIN)
        assert list(store.scan()) == []
        assert store.find(ledger.entry(0, "a").record_id) is None
        assert list(store.leaves(0, 0)) == []

    def test_what_is_appended_is_read_back_byte_for_byte_in_every_way(self, ledger: Ledger) -> None:
        first = ledger.add("a", "b")
        second = ledger.add("c", at=NOW + 5)
        state = ledger.store.read()
        assert (first.size, first.last_at, second.size, second.last_at) == (2, NOW, 3, NOW + 5)
        assert state.tip == second == ledger.store.tip()
        assert [e.record_bytes() for e in state.entries] == [ledger.records.record(x) for x in "abc"]
        assert [(e.seq, e.at, e.kind) for e in state.entries] == [
            (0, NOW, "submit"),
            (1, NOW, "submit"),
            (2, NOW + 5, "submit"),
        ]
        assert second.checkpoint is not None
        assert (second.checkpoint.size, second.checkpoint.root) == (3, merkle.root_of(state.leaves))
        for start in range(4):
            assert list(ledger.store.scan(start)) == list(state.entries[start:])
        assert tuple(ledger.store.leaves(0, 3)) == state.leaves
        assert tuple(ledger.store.leaves(1, 2)) == state.leaves[1:2]

    def test_nothing_to_append_changes_nothing(self, ledger: Ledger) -> None:
        tip = ledger.add("a")
        assert ledger.store.append(tip, (), ledger.key) == tip == ledger.store.tip()
        assert ledger.another().store.append(Tip(ORIGIN), (), ledger.key) == Tip(ORIGIN)

    def test_a_record_is_found_by_its_id(self, ledger: Ledger) -> None:
        ledger.add("a", "b")
        ledger.add("c")
        store = ledger.store
        assert [store.find(ledger.entry(0, x).record_id) for x in "abcd"] == [0, 1, 2, None]

    def test_a_thousand_entries_in_portions_of_all_sizes(self, ledger: Ledger) -> None:
        tip, store, frontier = Tip(ORIGIN), ledger.open(), Frontier()
        leaves: list[bytes] = []
        for portion in range(1, 45):
            drafted = ledger.draft(tip, *(f"{portion}-{i}" for i in range(portion)))
            leaves += (e.leaf_hash() for e in drafted)
            frontier, _ = frontier.extended(leaves[tip.size :])
            tip = store.append(tip, drafted, ledger.key)
            assert (tip.frontier, tip.root) == (frontier, frontier.root)
        self.check_proofs(ledger, tip, leaves)
        assert ledger.open().read().leaves == tuple(leaves)

    @pytest.mark.soak
    def test_a_thousand_appends(self, ledger: Ledger) -> None:
        tips = [ledger.add(str(i)) for i in range(1000)]
        leaves = ledger.store.read().leaves
        assert [t.root for t in tips] == [merkle.root_of(leaves[: i + 1]) for i in range(1000)]
        self.check_proofs(ledger, tips[-1], leaves)

    @staticmethod
    def check_proofs(ledger: Ledger, tip: Tip, leaves: list[bytes] | tuple[bytes, ...]) -> None:
        """Proofs from the store are those of the whole leaves."""
        store, size = ledger.open(), tip.size
        for seq in (0, 1, 255, 256, 511, size // 2, size - 2, size - 1):
            proof = store.inclusion(tip, seq)
            assert proof == (seq, leaves[seq], merkle.inclusion_proof(leaves, seq))
        for first in (0, 1, 2, 255, 256, 257, size // 2, size - 1, size):
            old = store.consistency(tip, first)
            assert old == (first, merkle.root_of(leaves[:first]), merkle.consistency_proof(leaves, first))

    # What is refused

    def test_a_record_is_sequenced_once(self, ledger: Ledger) -> None:
        tip = ledger.add("a", "b")
        assert "entry 0 already" in refused(lambda: ledger.add("c", "a"), "ledger.duplicate-record")
        assert "entry 2 already" in refused(lambda: ledger.add("d", "d"), "ledger.duplicate-record")
        assert ledger.store.read().tip == tip

    def test_entries_that_do_not_follow_are_a_mistake(self, ledger: Ledger) -> None:
        tip = ledger.add("a")
        for wrong in (ledger.entry(0, "b"), ledger.entry(2, "b")):
            with pytest.raises(ValueError, match="must follow"):
                ledger.store.append(tip, [wrong], ledger.key)
        assert ledger.store.tip() == tip

    @pytest.mark.attack("A17")
    def test_a_clock_behind_the_last_entry_is_refused(self, ledger: Ledger) -> None:
        tip = ledger.add("a")
        refused(lambda: tip.draft(NOW - 1, []), "ledger.clock-behind")
        early = ledger.entry(1, "b", at=NOW - 1)
        refused(lambda: ledger.store.append(tip, [early], ledger.key), "ledger.clock-behind")
        assert ledger.store.read().tip == tip

    def test_an_entry_over_the_limit_is_refused(self, ledger: Ledger) -> None:
        tip, good = ledger.add("a"), ledger.entry(1, "b")
        huge = Entry(1, good.at, good.kind, {**good.body, "payload": "A" * MAX_ENTRY_BYTES}, good.record_id)
        refused(lambda: ledger.store.append(tip, [huge], ledger.key), "ledger.too-large")
        assert ledger.store.read().tip == tip

    def test_only_a_ledger_key_appends(self, ledger: Ledger) -> None:
        tip = ledger.add("a")
        stranger = new_key()
        drafted = ledger.draft(tip, "b")
        refused(lambda: ledger.store.append(tip, drafted, stranger), "ledger.checkpoint-signature")
        assert ledger.store.read().tip == tip

    def test_without_a_signature_nothing_is_recorded(self, ledger: Ledger) -> None:
        tip = ledger.add("a")
        before = ledger.store.read()

        def fail() -> None:
            raise TimeoutError("the KMS does not answer")

        with pytest.raises(TimeoutError):
            ledger.store.append(tip, ledger.draft(tip, "b"), Hooked(ledger.key, fail))
        assert ledger.store.read() == before
        assert ledger.add("b").size == 2

    # Compare and set

    @pytest.mark.attack("A45")
    def test_of_two_decisions_on_one_tip_one_is_recorded(self, ledger: Ledger) -> None:
        base = ledger.add("a")
        late = ledger.open()
        first = ledger.store.append(base, ledger.draft(base, "b", "c"), ledger.key)
        message = refused(lambda: late.append(base, ledger.draft(base, "d"), ledger.key), "ledger.race-lost")
        assert "2 entries were added" in message
        assert ledger.store.read().tip == first

    @pytest.mark.attack("A45")
    def test_of_threads_that_race_one_wins(self, ledger: Ledger) -> None:
        base, outcomes = ledger.add("a"), list[str]()
        start = threading.Barrier(4)

        def promote(label: str) -> None:
            drafted, store = ledger.draft(base, label), ledger.open()
            start.wait()
            try:
                store.append(base, drafted, ledger.key)
            except StoreError as e:
                outcomes.append(e.code)
            else:
                outcomes.append("won")

        for x in "wxyz":
            ledger.records.record(x)
        threads = [threading.Thread(target=promote, args=(x,)) for x in "wxyz"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["ledger.race-lost"] * 3 + ["won"]
        assert ledger.store.read().size == 2

    @pytest.mark.attack("A53")
    def test_a_decision_on_another_history_is_refused(self, ledger: Ledger) -> None:
        tip = ledger.add("a", "b")
        other = ledger.another()
        for base in (other.add("b"), other.add("a")):
            drafted = ledger.draft(base, "c")
            refused(lambda b=base, d=drafted: ledger.store.append(b, d, ledger.key), "ledger.forked")  # type: ignore[misc]
        assert ledger.store.read().tip == tip

    @pytest.mark.attack("A55")
    def test_a_decision_on_a_larger_ledger_than_there_is_is_refused(self, ledger: Ledger) -> None:
        ledger.add("a")
        other = ledger.another()
        base = other.add("a", "b")
        refused(lambda: ledger.store.append(base, (), ledger.key), "ledger.rolled-back")

    # Proofs

    def test_there_are_no_proofs_of_what_there_is_not(self, ledger: Ledger) -> None:
        tip = ledger.add("a", "b")
        for seq in (-1, 2):
            with pytest.raises(ValueError, match="no such"):
                ledger.store.inclusion(tip, seq)
        for size in (-1, 3):
            with pytest.raises(ValueError, match="no such"):
                ledger.store.consistency(tip, size)

    def test_proofs_are_of_the_tip_that_is_given(self, ledger: Ledger) -> None:
        old = ledger.add("a", "b", "c")
        new = ledger.add("d", "e")
        leaves = ledger.store.read().leaves
        assert ledger.store.inclusion(old, 1).path == merkle.inclusion_proof(leaves[:3], 1)
        assert ledger.store.consistency(new, 3) == (3, old.root, merkle.consistency_proof(leaves, 3))

    def test_no_proof_is_given_to_a_tip_of_another_history(self, ledger: Ledger) -> None:
        ledger.add("a", "b", "c")
        forged = ledger.another().add("a", "b", "x")
        refused(lambda: ledger.store.inclusion(forged, 1), "ledger.nodes-altered")
        refused(lambda: ledger.store.consistency(forged, 2), "ledger.nodes-altered")

    @pytest.mark.attack("A54")
    def test_spoilt_nodes_never_give_a_proof_a_tip_or_a_signature(self, ledger: Ledger) -> None:
        tip = ledger.add("a", "b", "c")
        whole = ledger.store.read()
        drafted = ledger.draft(tip, "d")
        acts: list[Callable[[], object]] = [
            lambda: ledger.store.inclusion(tip, 1),
            lambda: ledger.store.consistency(tip, 2),
            ledger.store.tip,
            lambda: ledger.store.append(tip, drafted, ledger.key),
        ]
        for act in acts:
            ledger.spoil_nodes()
            if not ledger.cures_nodes:
                refused(act, "ledger.nodes-altered", "ledger.altered")
            else:
                act()
        state = ledger.store.read()
        assert state.entries[:3] == whole.entries
        assert state.size == (4 if ledger.cures_nodes else 3)

    # Damage

    @pytest.mark.attack("A54")
    def test_an_altered_entry_is_named(self, ledger: Ledger) -> None:
        ledger.add("a", "b", "c")
        ledger.replace(1, ledger.entry(1, "b", at=NOW).leaf().replace(b"2026-05-01T00:00:00Z", b"2026-05-01T00:00:01Z"))
        ledger.replace(2, ledger.entry(2, "c", at=NOW + 1).leaf())
        assert "entry 1, 2" in refused(ledger.store.read, "ledger.altered")

    @pytest.mark.attack("A54")
    def test_an_entry_in_another_form_is_named(self, ledger: Ledger) -> None:
        ledger.add("a", "b", "c")
        ledger.replace(1, ledger.entry(1, "b").leaf().replace(b'"v":1', b'"v":1 '))
        assert "entry 1" in refused(ledger.store.read, "ledger.bad-entry")
        assert "entry 1" in refused(lambda: list(ledger.store.scan()), "ledger.bad-entry")

    @pytest.mark.attack("A54")
    def test_an_altered_last_entry_is_told_by_the_tip(self, ledger: Ledger) -> None:
        tip = ledger.add("a", "b")
        ledger.replace(1, ledger.entry(1, "b", at=NOW + 9).leaf())
        refused(ledger.store.tip, "ledger.altered")
        refused(lambda: ledger.store.append(tip, ledger.draft(tip, "c"), ledger.key), "ledger.altered")

    @pytest.mark.attack("A52")
    def test_a_missing_entry_is_told_in_every_way(self, ledger: Ledger) -> None:
        tip = ledger.add("a", "b", "c")
        ledger.cut(2)
        store = ledger.store
        drafted = ledger.draft(tip, "d")
        acts = (store.read, store.tip, lambda: list(store.scan()), lambda: store.append(tip, drafted, ledger.key))
        for act in acts:
            assert "entry 2 is missing" in refused(act, "ledger.truncated")

    @pytest.mark.attack("A81")
    def test_an_entry_that_no_checkpoint_covers_is_never_signed(self, ledger: Ledger) -> None:
        tip = ledger.add("a")
        ledger.put_after(ledger.entry(1, "fake"))
        store, drafted = ledger.store, ledger.draft(tip, "b")
        for act in (store.read, store.tip, lambda: store.append(tip, drafted, ledger.key)):
            assert "entry 1" in refused(act, "ledger.uncheckpointed-tail")
        assert [e.seq for e in store.scan()] == [0]

    @pytest.mark.attack("A53")
    def test_another_checkpoint_than_that_of_the_entries_is_refused(self, ledger: Ledger) -> None:
        ledger.add("a", "b")
        forged = ledger.another().add("a", "x")
        stranger = sign_checkpoint(ORIGIN, 2, ledger.store.tip().root, new_key())
        assert forged.checkpoint is not None
        ledger.put_checkpoint(forged.checkpoint.to_bytes())
        refused(ledger.store.read, "ledger.altered")
        refused(ledger.store.tip, "ledger.altered", "ledger.nodes-altered")
        ledger.put_checkpoint(stranger.to_bytes())
        for act in (ledger.store.read, ledger.store.tip):
            refused(act, "ledger.checkpoint-signature")
        ledger.put_checkpoint(b"nonsense")
        for act in (ledger.store.read, ledger.store.tip):
            with pytest.raises(TrustError):
                act()
