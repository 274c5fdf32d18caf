"""The ledger in SQLite and in PostgreSQL: the same tests, the same answers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.digest import Digest
from bspec_opa.foundation.errors import BspecError, StoreError, TrustError
from bspec_opa.ledger.checkpoint import sign_checkpoint
from bspec_opa.ledger.entry import MAX_ENTRY_BYTES, Entry, entry_of
from bspec_opa.ledger.interface import LedgerState, Tip
from bspec_opa.ledger.merkle import EMPTY_ROOT, leaf_hash, verify_consistency, verify_inclusion
from bspec_opa.ledger.nodes import Frontier
from bspec_opa.ledger.sql import statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from sql_bench import SqlBench

    from bspec_opa.trust.keys import PrivateKey

ZERO = Digest("sha256:" + "0" * 64)


def refused(call: Callable[[], object], code: str) -> str:
    with pytest.raises((TrustError, StoreError)) as caught:
        call()
    assert caught.value.code == code, str(caught.value)
    return str(caught.value)


# Reading and appending


def test_nothing_yet_is_an_empty_ledger_and_reading_writes_nothing(bench: SqlBench) -> None:
    state = bench.store.read()
    assert state == LedgerState(bench.origin)
    assert (state.size, state.last_at, state.root_hash) == (0, 0, "sha256:" + EMPTY_ROOT.hex())
    assert (bench.store.tip(), list(bench.store.scan()), bench.store.find(ZERO)) == (Tip(bench.origin), [], None)
    assert list(bench.store.leaves(0, 10)) == []
    if bench.server is None:
        assert not Path(bench.place).exists()
    else:
        assert bench.counts() == {"entries": 0, "nodes": 0, "checkpoints": 0}


def test_appended_entries_are_read_back_byte_for_byte(bench: SqlBench) -> None:
    bench.add("a", "b")
    written = bench.add("c", at=bench.now + 5)
    assert bench.store.read() == written
    assert bench.store.tip() == written.tip
    assert [e.record_bytes() for e in written.entries] == [bench.record(x) for x in "abc"]
    assert [(e.seq, e.at, e.kind) for e in written.entries] == [
        (0, bench.now, "submit"),
        (1, bench.now, "submit"),
        (2, bench.now + 5, "submit"),
    ]
    assert tuple(bench.store.scan(1)) == written.entries[1:]
    assert tuple(bench.store.leaves(0, 9)) == written.leaves
    assert [bench.store.find(e.record_id) for e in written.entries] == [0, 1, 2]
    assert bench.counts() == {"entries": 3, "nodes": 4, "checkpoints": 2}


def test_more_entries_than_fit_on_a_page(bench: SqlBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bspec_opa.ledger.sql.store.PAGE", 2)
    monkeypatch.setattr(statements, "_CHUNK", 2)
    for labels in ("abc", "d", "ef", "g"):
        written = bench.add(*labels)
    assert bench.store.read() == written
    assert tuple(bench.store.scan()) == written.entries
    assert [e.seq for e in bench.store.scan(3)] == [3, 4, 5, 6]


def test_nothing_to_append_changes_nothing(bench: SqlBench) -> None:
    state = bench.add("a")
    assert bench.store.append(state.tip, (), bench.key) == state.tip
    assert bench.counts() == {"entries": 1, "nodes": 1, "checkpoints": 1}


def test_proofs_verify_against_the_signed_roots(bench: SqlBench) -> None:
    old = bench.add("a", "b", "c")
    new = bench.add("d", "e")
    inclusion, consistency = bench.store.inclusion(new.tip, 3), bench.store.consistency(new.tip, 3)
    assert (inclusion.path, consistency.path) == (new.inclusion(3), new.consistency(3))
    assert verify_inclusion(inclusion.leaf, 3, 5, inclusion.path, new.tip.root)
    assert verify_consistency(3, 5, consistency.path, old.tip.root, new.tip.root)
    with pytest.raises(ValueError, match="no such leaf"):
        bench.store.inclusion(new.tip, 5)


def test_a_record_is_sequenced_once(bench: SqlBench) -> None:
    tip = bench.add("a", "b").tip
    before = bench.counts()
    refused(lambda: bench.add("c", "a"), "ledger.duplicate-record")
    refused(lambda: bench.store.append(tip, bench.drafted(tip, "c", "a"), bench.key), "ledger.duplicate-record")
    refused(lambda: bench.store.append(tip, bench.drafted(tip, "d", "d"), bench.key), "ledger.duplicate-record")
    assert bench.counts() == before


@pytest.mark.attack("A83")
def test_an_old_record_sequenced_again_by_the_ledgers_own_key_is_refused_on_reading(bench: SqlBench) -> None:
    state = bench.add("a", "b")
    entry = entry_of(2, bench.now, "submit", bench.record("a"))
    frontier, nodes = state.tip.frontier.extended([entry.leaf_hash()])
    row = (2, entry.at, entry.kind, entry.record_id, "", entry.leaf())
    # Its column has to lie, or the database refuses it.
    bench.attack("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", (*row[:3], ZERO, *row[4:]))
    for node in nodes:
        bench.attack("INSERT INTO nodes VALUES (?, ?, ?)", (node.level, node.index, node.value))
    note = sign_checkpoint(bench.origin, 3, frontier.root, bench.key).to_bytes()
    bench.attack("INSERT INTO checkpoints VALUES (?, ?)", (3, note))
    assert "columns of entry 2" in refused(bench.store.read, "ledger.bad-entry")
    if bench.server is None:
        bench.attack("DROP TABLE entries")
        bench.attack("CREATE TABLE entries (seq, at, kind, record, agent, leaf)")
    else:
        bench.attack("ALTER TABLE entries DROP CONSTRAINT entries_record_key")
        bench.attack("DELETE FROM entries")
    for e in (*state.entries, entry):
        bench.attack("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", (e.seq, e.at, e.kind, e.record_id, "", e.leaf()))
    assert "entry 2 repeats the record of entry 0" in refused(bench.store.read, "ledger.duplicate-record")


def test_entries_that_do_not_follow_are_a_bug(bench: SqlBench) -> None:
    entry = entry_of(7, bench.now, "submit", bench.record("a"))
    with pytest.raises(ValueError, match="must follow"):
        bench.store.append(bench.store.tip(), [entry], bench.key)


def test_an_entry_over_the_limit_is_refused_before_it_is_written(bench: SqlBench) -> None:
    tip = bench.add("a").tip
    (good,) = bench.drafted(tip, "b")
    huge = Entry(1, good.at, good.kind, {**good.body, "payload": "A" * MAX_ENTRY_BYTES}, good.record_id)
    refused(lambda: bench.store.append(tip, [huge], bench.key), "ledger.too-large")
    assert bench.store.tip() == tip


@pytest.mark.attack("A17")
def test_a_clock_behind_the_last_entry_is_refused(bench: SqlBench) -> None:
    tip = bench.add("a").tip
    late = entry_of(1, bench.now - 1, "submit", bench.record("b"))
    refused(lambda: bench.store.append(tip, [late], bench.key), "ledger.clock-behind")
    refused(lambda: bench.store.tip().draft(bench.now - 1, []), "ledger.clock-behind")


# Compare and set


@pytest.mark.attack("A45")
def test_of_two_decisions_on_one_state_one_is_recorded(bench: SqlBench) -> None:
    base = bench.add("a").tip
    first = bench.store.append(base, bench.drafted(base, "b"), bench.key)
    message = refused(lambda: bench.open().append(base, bench.drafted(base, "c"), bench.key), "ledger.race-lost")
    assert "1 entries were added" in message
    assert bench.store.tip() == first


@pytest.mark.attack("A45")
@pytest.mark.attack("A46")
def test_threads_that_race_on_one_size_get_one_winner_each_round(bench: SqlBench) -> None:
    start = threading.Barrier(4)
    outcomes: list[list[str]] = [[], [], []]

    def promote(label: str) -> None:
        store = bench.open()
        for number, found in enumerate(outcomes):
            base = store.tip()
            drafted = bench.drafted(base, f"{label}{number}")
            start.wait()
            try:
                store.append(base, drafted, bench.key)
            except StoreError as e:
                found.append(e.code)
            else:
                found.append("won")
            start.wait()

    threads = [threading.Thread(target=promote, args=(x,)) for x in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [sorted(o) for o in outcomes] == [["ledger.race-lost"] * 3 + ["won"]] * 3
    assert bench.store.read().size == 3


@pytest.mark.attack("A53")
def test_a_decision_on_another_history_of_the_same_size_is_refused(bench: SqlBench) -> None:
    bench.add("a")
    frontier, _ = Frontier().extended([leaf_hash(b"other")])
    base = Tip(bench.origin, frontier, bench.now)
    refused(lambda: bench.store.append(base, bench.drafted(base, "c"), bench.key), "ledger.forked")
    bench.add("b")
    refused(lambda: bench.store.append(base, bench.drafted(base, "c"), bench.key), "ledger.forked")


@pytest.mark.attack("A55")
def test_a_decision_on_a_larger_ledger_than_there_is_is_refused(bench: SqlBench) -> None:
    bench.add("a")
    frontier, _ = bench.store.tip().frontier.extended([leaf_hash(b"gone")])
    refused(lambda: bench.store.append(Tip(bench.origin, frontier), (), bench.key), "ledger.rolled-back")


# Who signs


def test_only_a_ledger_key_appends(bench: SqlBench, keys: tuple[PrivateKey, ...]) -> None:
    refused(lambda: bench.store.append(bench.store.tip(), (), keys[2]), "ledger.checkpoint-signature")


def test_a_checkpoint_of_another_key_or_ledger_is_refused(bench: SqlBench, keys: tuple[PrivateKey, ...]) -> None:
    root = bench.add("a").tip.root
    for origin, key, code in (
        (bench.origin, keys[2], "ledger.checkpoint-signature"),
        ("ledger.example/other", bench.key, "ledger.bad-checkpoint"),
    ):
        note = sign_checkpoint(origin, 1, root, key).to_bytes()
        bench.attack("UPDATE checkpoints SET note = ?", (note,))
        for act in (bench.store.read, bench.store.tip, lambda: list(bench.store.scan())):
            refused(act, code)


def test_the_signer_fails_and_nothing_is_recorded(bench: SqlBench) -> None:
    class Broken:
        public = bench.key.public

        def sign(self, message: bytes) -> bytes:
            return b"\0" * 64

    tip = bench.add("a").tip
    refused(lambda: bench.store.append(tip, bench.drafted(tip, "b"), Broken()), "ledger.checkpoint-signature")
    assert bench.counts() == {"entries": 1, "nodes": 1, "checkpoints": 1}
    assert bench.add("c").size == 2


# What an owner of the database can do, and is seen

CHANGES = {
    "a row in the middle": ("DELETE FROM entries WHERE seq = 1", "ledger.bad-entry", "where 1"),
    "the last row": ("DELETE FROM entries WHERE seq = 3", "ledger.truncated", "entry 3 is missing"),
    "all rows": ("DELETE FROM entries", "ledger.truncated", "entry 0 is missing"),
    "a number": ("UPDATE entries SET seq = 9 WHERE seq = 3", "ledger.uncheckpointed-tail", "entry 4"),
    "a column of the time": ("UPDATE entries SET at = at + 1 WHERE seq = 2", "ledger.bad-entry", "columns of entry 2"),
    "a column of the kind": ("UPDATE entries SET kind = 'denial' WHERE seq = 2", "ledger.bad-entry", "of entry 2"),
    "a column of the agent": ("UPDATE entries SET agent = 'x' WHERE seq = 0", "ledger.bad-entry", "of entry 0"),
    "the newest checkpoint": ("DELETE FROM checkpoints WHERE size = 4", "ledger.uncheckpointed-tail", "entry 2"),
    "all checkpoints": ("DELETE FROM checkpoints", "ledger.no-checkpoint", "no checkpoint"),
    "a checkpoint's size": ("UPDATE checkpoints SET size = 5 WHERE size = 4", "ledger.bad-checkpoint", "of 4 entries"),
}


@pytest.mark.attack("A54")
@pytest.mark.attack("A52")
def test_whatever_an_owner_changes_is_named(bench: SqlBench) -> None:
    bench.add("a", "b")
    bench.add("c", "d")
    copied = copies(bench)
    for name, (statement, code, message) in CHANGES.items():
        other = copied(name)
        other.attack(statement)
        assert message in refused(other.store.read, code), name


def copies(bench: SqlBench) -> Callable[[str], SqlBench]:
    """Makes copies of a ledger."""
    from shutil import copy

    from sql_bench import SqlBench, sqlite_url

    def copied(name: str) -> SqlBench:
        author = bench.records.author
        if bench.server is None:
            target = Path(bench.place).with_name(f"{name}.sqlite")
            copy(bench.place, target)
            return SqlBench(sqlite_url(target), bench.key, author)
        url = bench.server.url(bench.server.fresh(template=bench.place))
        return SqlBench(url, bench.key, author, bench.server)

    return copied


@pytest.mark.attack("A54")
def test_an_edited_or_swapped_leaf_is_named(bench: SqlBench) -> None:
    state = bench.add("a", "b", "c")
    other = entry_of(1, bench.now, "submit", bench.record("x"))
    edit = "UPDATE entries SET record = ?, leaf = ? WHERE seq = ?"
    bench.attack(edit, (other.record_id, other.leaf(), 1))
    assert "changed since it was signed: entry 1" in refused(bench.store.read, "ledger.altered")
    # With the note of its hash changed, too, nobody can tell which; and the nodes above it don't fit any more.
    bench.attack("UPDATE nodes SET hash = ? WHERE level = 0 AND place = 1", (other.leaf_hash(),))
    assert "which one can't be told" in refused(bench.store.read, "ledger.altered")
    bench.attack(edit, (state.entries[1].record_id, state.entries[1].leaf(), 1))
    last = entry_of(2, bench.now, "submit", bench.record("y"))
    bench.attack(edit, (last.record_id, last.leaf(), 2))
    assert "changed since it was signed: entry 2" in refused(bench.store.tip, "ledger.altered")
    bench.attack("UPDATE entries SET leaf = ? WHERE seq = 0", (b"{",))
    assert "entry 0 can't be read" in refused(bench.store.read, "ledger.bad-entry")


def test_altered_nodes_are_never_built_on(bench: SqlBench) -> None:
    tip = bench.add("a", "b", "c").tip
    bench.attack("UPDATE nodes SET hash = ? WHERE level = 1 AND place = 0", (b"\0" * 32,))
    refused(bench.store.tip, "ledger.nodes-altered")
    refused(lambda: bench.store.append(tip, bench.drafted(tip, "d"), bench.key), "ledger.nodes-altered")
    refused(lambda: bench.store.inclusion(tip, 2), "ledger.nodes-altered")
    assert bench.store.read().size == 3  # nothing is decided on nodes
    bench.attack("DELETE FROM nodes WHERE level = 1")
    assert "node 0 of level 1 is not stored" in refused(bench.store.tip, "ledger.nodes-altered")


def test_an_index_that_names_another_entry_is_found_out(bench: SqlBench) -> None:
    ids = [e.record_id for e in bench.add("a", "b").entries]
    bench.attack("UPDATE entries SET record = ? WHERE seq = 0", (ZERO,))
    assert "columns of entry 0" in refused(lambda: bench.store.find(ZERO), "ledger.bad-entry")
    assert bench.store.find(ids[1]) == 1


@pytest.mark.attack("A81")
def test_a_fake_entry_after_the_checkpoint_is_refused_named_and_never_signed(bench: SqlBench) -> None:
    tip = bench.add("a").tip
    fake = entry_of(1, bench.now, "submit", bench.record("fake"))
    row = (1, fake.at, fake.kind, fake.record_id, "", fake.leaf())
    bench.attack("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", row)
    acts: list[Callable[[], object]] = [bench.store.read, bench.store.tip, bench.store.repair]
    for act in (*acts, lambda: bench.store.append(tip, bench.drafted(tip, "b"), bench.key)):
        assert "entry 1" in refused(act, "ledger.uncheckpointed-tail")
    bench.attack("DELETE FROM entries WHERE seq = 1")
    bench.store.repair()
    assert bench.add("b").size == 2


def test_a_row_in_the_way_ends_within_bounds(bench: SqlBench) -> None:
    tip = bench.add("a").tip
    bench.attack("INSERT INTO nodes VALUES (0, 1, ?)", (b"\0" * 32,))
    impatient = bench.open(wait_s=0.05)
    message = refused(lambda: impatient.append(tip, bench.drafted(tip, "b"), bench.key), "ledger.uncheckpointed-tail")
    assert "in the way" in message
    assert bench.counts() == {"entries": 1, "nodes": 2, "checkpoints": 1}


def test_what_is_damaged_beyond_reading_is_no_traceback(bench: SqlBench) -> None:
    bench.add("a")
    if bench.server is None:
        bench.attack("DROP TABLE entries")
        bench.attack("CREATE TABLE entries (seq, at, kind, record, agent, leaf)")
        bench.attack("INSERT INTO entries VALUES (0, 'x', 3, NULL, NULL, 'text')")
        refused(bench.store.read, "ledger.altered")
        bench.attack("UPDATE entries SET seq = 'zero'")
        refused(bench.store.read, "ledger.altered")
        Path(bench.place).write_bytes(b"no database at all " * 100)
        assert "file is not a database" in refused(bench.store.read, "ledger.altered")
    else:
        bench.attack("ALTER TABLE entries ALTER COLUMN leaf TYPE text USING 'x'")
        with pytest.raises(BspecError) as caught:
            bench.store.read()
        assert caught.value.exit_code in {7, 9}
