"""The ledger in SQLite and in PostgreSQL: the same tests, the same answers."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from bspec_opa.foundation.digest import Digest
from bspec_opa.foundation.errors import BspecError, StoreError, TrustError
from bspec_opa.ledger.checkpoint import NoteSignature, sign_checkpoint
from bspec_opa.ledger.entry import Entry, entry_of
from bspec_opa.ledger.interface import LedgerState, Tip
from bspec_opa.ledger.merkle import EMPTY_ROOT
from bspec_opa.ledger.sql import statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from sql_bench import SqlBench

    from bspec_opa.foundation.canonical import JsonObject
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
    bench.attack("INSERT INTO checkpoints (size, note, frontier) VALUES (?, ?, ?)", (3, note, frontier.to_bytes()))
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


# Who signs


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
    # A database of PostgreSQL is dear to copy; what is read is judged by the same code.
    for name, (statement, code, message) in list(CHANGES.items())[:: 1 if bench.server is None else 4]:
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
        url = bench.server.url(bench.server.copy(bench.place))
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


@pytest.mark.attack("A54")
def test_altered_nodes_are_never_built_on(bench: SqlBench) -> None:
    tip = bench.add("a", "b", "c", "d").tip
    bench.attack("UPDATE nodes SET hash = ? WHERE level = 1 AND place = 0", (b"\0" * 32,))
    refused(lambda: bench.store.inclusion(tip, 2), "ledger.nodes-altered")
    assert "don't prove entry 3 of 4" in refused(bench.store.tip, "ledger.nodes-altered")
    assert bench.store.read().size == 4  # nothing is decided on nodes
    bench.attack("DELETE FROM nodes WHERE level = 1")
    assert "node 0 of level 1 is not stored" in refused(bench.store.tip, "ledger.nodes-altered")


@pytest.mark.attack("A54")
def test_an_altered_frontier_beside_a_checkpoint_is_never_built_on(bench: SqlBench) -> None:
    tip = bench.add("a", "b", "c").tip
    assert tip.checkpoint is not None
    head, mine = tip.checkpoint, tip.frontier.values
    line = NoteSignature("w1.example", b"abcd", b"x" * 72)
    wrong = [bytes(64), mine[1] + mine[0]]
    if bench.server is None:  # in PostgreSQL a CHECK has to be removed first
        wrong += [b"", mine[0], tip.root, b"".join(mine) + bytes(32), b"".join(mine)[:-1], bytes(5000)]
    for value in wrong:
        bench.attack("UPDATE checkpoints SET frontier = ?", (value,))
        assert bench.store.tip() == tip  # the nodes give it
    bench.attack("UPDATE nodes SET hash = ? WHERE level = 1", (bytes(32),))
    for value in wrong:
        bench.attack("UPDATE checkpoints SET frontier = ?", (value,))
        for act in (
            bench.store.tip,
            lambda: bench.store.append(tip, bench.drafted(tip, "d"), bench.key),
            lambda: bench.store.endorse(head, [line]),
        ):
            assert "don't give the signed root of 3 entries" in refused(act, "ledger.nodes-altered")
        assert bench.store.read().tip == tip  # nothing is decided on it
    assert bench.counts() == {"entries": 3, "nodes": 4, "checkpoints": 1}
    bench.attack("UPDATE checkpoints SET frontier = ?", (tip.frontier.to_bytes(),))
    assert bench.store.append(tip, bench.drafted(tip, "d"), bench.key).size == 4


def test_a_frontier_has_as_many_hashes_as_its_tree_needs(bench: SqlBench) -> None:
    """The database itself refuses another length, though SQLite doesn't count bits."""
    bench.store.initialise()
    note = b"x"
    refusals = {b"", bytes(31), bytes(96)} if bench.server is not None else {bytes(31), bytes(64 * 32)}
    for value in refusals:
        with pytest.raises((sqlite3.IntegrityError, psycopg.errors.CheckViolation)):
            insert_plainly(bench, (3, note, value))
    insert_plainly(bench, (3, note, bytes(64)))
    insert_plainly(bench, (2**53 - 1, note, bytes(53 * 32)))
    insert_plainly(bench, (0, note, b""))


@pytest.mark.attack("A54")
def test_a_further_edition_of_the_genuine_head_stops_nobody(bench: SqlBench) -> None:
    """Whoever has a writer's rights and not the ledger's key puts another frontier beside it."""
    tip = bench.add("a", "b", "c").tip
    assert tip.checkpoint is not None
    note, frontier = tip.checkpoint.to_bytes(), tip.frontier.to_bytes()
    insert_plainly(bench, (3, note, b"\1" * len(frontier)), edition=1)
    line = NoteSignature("w1.example", b"abcd", b"x" * 72)
    endorsed = bench.store.endorse(tip.checkpoint, [line])
    assert endorsed is not None
    assert endorsed == bench.store.tip().checkpoint == bench.store.read().checkpoint
    insert_plainly(bench, (3, note, b"\1" * len(frontier)), edition=3)
    assert bench.store.append(bench.store.tip(), bench.drafted(tip, "d"), bench.key).size == 4


@pytest.mark.attack("A54")
@pytest.mark.parametrize("what", ["many in the ledger's name", "its own again and again", "a long one of a stranger"])
def test_what_is_cosigned_beside_a_strangers_lines_can_be_read(bench: SqlBench, what: str) -> None:
    tip = bench.add("a", "b", "c").tip
    assert tip.checkpoint is not None
    head, frontier = tip.checkpoint, tip.frontier.to_bytes()
    junk = {
        "many in the ledger's name": [NoteSignature(head.origin, bytes([n]) * 4, b"x" * 64) for n in range(15)],
        "its own again and again": [head.signatures[0]] * 15,
        "a long one of a stranger": [NoteSignature("z.example", b"zzzz", b"x" * 12_000)],
    }[what]
    more = replace(head, signatures=(*head.signatures, *junk)).to_bytes()
    insert_plainly(bench, (3, more, frontier), edition=1)
    line = NoteSignature("w1.example", b"abcd", b"x" * 72)
    endorsed = bench.store.endorse(head, [line])
    assert endorsed is not None
    assert (endorsed.signatures[0], endorsed.signatures[-1]) == (head.signatures[0], line)
    assert endorsed == bench.store.tip().checkpoint == bench.store.read().checkpoint
    lines = [NoteSignature(f"w{n}.example", b"abcd", b"x" * 4_000) for n in range(2, 5)]
    again = bench.store.endorse(head, lines)
    assert again is not None
    assert again.signatures == (head.signatures[0], line, *lines)  # the stranger's is the longest
    assert bench.store.append(bench.store.tip(), bench.drafted(tip, "d"), bench.key).size == 4


@pytest.mark.attack("A54")
def test_nobody_takes_the_last_edition_of_a_head(bench: SqlBench) -> None:
    tip = bench.add("a").tip
    assert tip.checkpoint is not None
    head, note, frontier = tip.checkpoint, tip.checkpoint.to_bytes(), tip.frontier.to_bytes()
    largest = 2**63 - 1 if bench.server is None else 2**31 - 1
    for edition in (largest, statements.MAX_EDITION + 1, statements.MAX_EDITION, 2, -1):
        with pytest.raises((sqlite3.IntegrityError, psycopg.errors.CheckViolation)):
            insert_plainly(bench, (1, note, frontier), edition=edition)
    line = NoteSignature("w1.example", b"abcd", b"x" * 72)
    for edition in (statements.MAX_EDITION, largest):  # in tables without these checks
        if edition > statements.MAX_EDITION and bench.server is not None:
            bench.attack("ALTER TABLE checkpoints DROP CONSTRAINT checkpoints_edition_check")
        statement = "INSERT INTO checkpoints (size, note, frontier, edition) VALUES (?, ?, ?, ?)"
        bench.attack(statement, (1, note, frontier, edition))
        code = "ledger.unwritable" if bench.server is None else "ledger.database-refused"
        told = refused(lambda: bench.store.endorse(head, [line]), code)
        assert f"checkpoint 1 has edition {edition}; {statements.MAX_EDITION} is the last" in told
    assert bench.add("b").size == 2
    assert bench.store.endorse(bench.store.tip().checkpoint or head, [line]) is not None


@pytest.mark.attack("A54")
def test_a_node_ahead_of_the_tree_is_never_built_on_and_goes_as_the_page_says(bench: SqlBench) -> None:
    """Whoever has a writer's rights inserts it; the owner finds it by the query of docs/ledger-sql.md."""
    tip = bench.add("a", "b", "c").tip
    bench.attack("INSERT INTO nodes (level, place, hash) VALUES (0, 4, ?)", (bytes(32),))
    tip = bench.store.append(tip, bench.drafted(tip, "d"), bench.key)
    refused(lambda: bench.store.append(tip, bench.drafted(tip, "e"), bench.key), "ledger.uncheckpointed-tail")
    assert bench.store.read().tip == tip
    power = "(1 << level)" if bench.server is None else "2::numeric ^ level"
    bench.attack(f"DELETE FROM nodes WHERE (place + 1) * {power} > (SELECT max(size) FROM checkpoints)", ())
    assert bench.store.append(tip, bench.drafted(tip, "e"), bench.key).size == 5


@pytest.mark.attack("A54")
def test_a_further_edition_that_nobody_has_signed_is_refused(bench: SqlBench) -> None:
    tip = bench.add("a").tip
    insert_plainly(bench, (1, b"junk", tip.frontier.to_bytes()), edition=1)
    for act in (bench.store.read, bench.store.tip, lambda: bench.store.append(tip, (), bench.key)):
        refused(act, "ledger.bad-checkpoint")


def insert_plainly(bench: SqlBench, three: tuple[int, bytes, bytes], edition: int = 0) -> None:
    """As anybody with a writer's rights."""
    row = (*three, edition)
    statement = "INSERT INTO checkpoints (size, note, frontier, edition) VALUES (?, ?, ?, ?)"
    if bench.server is None:
        with closing(sqlite3.connect(bench.place, isolation_level=None)) as writer:
            writer.execute(statement, row)
    else:
        with bench.server.boss(bench.place) as writer:
            writer.execute(statement.replace("INTO ", "INTO bspec_ledger.").replace("?", "%s"), row)


def test_tables_of_another_build_are_told_by_name(bench: SqlBench) -> None:
    tip = bench.add("a").tip
    bench.attack("ALTER TABLE checkpoints DROP COLUMN frontier")
    owner = bench.store if bench.server is None else bench.open(bench.server.url(bench.place, "boss"))
    for act in (
        bench.store.read,
        bench.store.tip,
        lambda: list(bench.store.scan()),
        lambda: bench.store.append(tip, bench.drafted(tip, "b"), bench.key),
        owner.initialise,
    ):
        message = refused(act, "ledger.other-tables")
        assert "has tables of another build of bspec-opa" in message
        assert "frontier" in message
    assert bench.counts()["entries"] == 1


def test_an_index_that_names_another_entry_is_found_out(bench: SqlBench) -> None:
    ids = [e.record_id for e in bench.add("a", "b").entries]
    bench.attack("UPDATE entries SET record = ? WHERE seq = 0", (ZERO,))
    assert "columns of entry 0" in refused(lambda: bench.store.find(ZERO), "ledger.bad-entry")
    assert bench.store.find(ids[1]) == 1


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


@pytest.mark.parametrize(
    ("payload", "agent"),
    [
        (b'{"predicate":{"agent":"billing"}}', "billing"),
        (b'{"predicate":{"agent":7}}', ""),
        (b'{"predicate":[]}', ""),
        (b'{"predicate":{"agent":"a\\u0000"}}', ""),
        (b'{"predicate":{"agent":"\\ud800"}}', ""),
        (b'{"predicate":{"agent":"' + b"a" * 201 + b'"}}', ""),
        (b"[]", ""),
        (b"no JSON", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_a_record_of_any_content_has_a_column_that_every_database_takes(payload: bytes, agent: str) -> None:
    body: JsonObject = {"payload": base64.b64encode(payload).decode(), "payloadType": "x", "signatures": []}
    assert statements.agent_of(Entry(0, 0, "submit", body, ZERO)) == agent
