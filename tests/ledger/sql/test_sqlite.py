"""What only SQLite has: a file, its journal, triggers in place of rights."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.dialects import sqlite

from bspec_opa.foundation.errors import BspecError
from bspec_opa.ledger.sql.database import SAFE_WAL
from bspec_opa.ledger.sql.ddl import read_ddl
from bspec_opa.ledger.sql.schema import statements
from bspec_opa.ledger.sql.statements import nodes_at
from bspec_opa.ledger.sql.tables import METADATA, SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from sql_bench import SqlBench


@pytest.fixture
def ledger(make_sqlite: Callable[[], SqlBench]) -> SqlBench:
    return make_sqlite()


def refused(call: Callable[[], object], code: str) -> str:
    with pytest.raises(BspecError) as caught:
        call()
    assert caught.value.code == code, str(caught.value)
    return str(caught.value)


KEYS = {"entries": "seq", "nodes": "level", "checkpoints": "size"}


@pytest.mark.parametrize("table", KEYS)
def test_triggers_refuse_to_change_remove_or_replace_a_row(ledger: SqlBench, table: str) -> None:
    state = ledger.add("a")
    with closing(sqlite3.connect(ledger.place, isolation_level=None)) as other:
        for statement in (
            f"UPDATE {table} SET {KEYS[table]} = 7",
            f"DELETE FROM {table}",
            f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
            f"REPLACE INTO {table} SELECT * FROM {table}",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="insert-only"):
                other.execute(statement)
    assert ledger.store.read() == state


def test_the_scripts_make_the_tables_that_the_statements_name(ledger: SqlBench) -> None:
    ledger.store.initialise()
    with closing(sqlite3.connect(ledger.place)) as other:
        for table in METADATA.sorted_tables:
            found = other.execute(f"PRAGMA table_info({table.name})").fetchall()
            assert [c[1] for c in found] == [c.name for c in table.columns]
            assert {c[1] for c in found if c[5]} == {c.name for c in table.primary_key}
    assert "".join(statements(read_ddl("sqlite"))) == read_ddl("sqlite")


def test_a_file_is_made_once_and_an_empty_one_is_an_empty_ledger(ledger: SqlBench) -> None:
    Path(ledger.place).parent.mkdir()
    Path(ledger.place).touch()
    assert ledger.store.read().size == 0
    assert ledger.store.find(ledger.drafted(ledger.store.tip(), "a")[0].record_id) is None
    assert (ledger.store.initialise(), ledger.store.initialise()) == (True, False)
    assert ledger.add("a").size == 1


def test_threads_that_make_the_file_at_once_make_one(ledger: SqlBench) -> None:
    made: list[bool] = []
    start = threading.Barrier(4)

    def make() -> None:
        start.wait()
        made.append(ledger.open().initialise())

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, False, True]
    assert sorted(p.name for p in Path(ledger.place).parent.iterdir()) == ["ledger.sqlite"]


@pytest.mark.attack("A50")
def test_what_is_committed_is_flushed(ledger: SqlBench) -> None:
    ledger.add("a")
    with ledger.store.database.connection() as connection:
        wanted = ("synchronous", "journal_mode", "trusted_schema", "cell_size_check")
        found = [connection.exec_driver_sql(f"PRAGMA {p}").scalar_one() for p in wanted]
    assert found == [3, "delete", 0, 1]  # EXTRA


@pytest.mark.attack("A49")
def test_a_write_ahead_log_is_only_for_a_sqlite_that_keeps_it_whole(
    ledger: SqlBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = ledger.add("a")
    with closing(sqlite3.connect(ledger.place)) as other:
        assert other.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",)
    before = Path(ledger.place).read_bytes()
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 2))
    for act in (ledger.store.read, ledger.store.tip, lambda: ledger.add("b")):
        assert "write-ahead log" in refused(act, "ledger.unsafe-sqlite")
    assert Path(ledger.place).read_bytes() == before
    monkeypatch.setattr(sqlite3, "sqlite_version_info", SAFE_WAL)
    assert ledger.store.read() == state
    assert ledger.add("b").size == 2


@pytest.mark.attack("A49")
def test_looking_at_the_mode_releases_no_lock_of_this_process(ledger: SqlBench) -> None:
    """POSIX: closing any descriptor of a file releases all of the process's locks on it."""
    tip = ledger.add("a").tip
    impatient = ledger.open(wait_s=0.02)
    with closing(sqlite3.connect(ledger.place, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        assert "locked" in refused(impatient.read, "ledger.busy")
        refused(impatient.initialise, "ledger.busy")
        done = subprocess_sees(ledger.place)
        assert done == "database is locked", done
        writer.execute("ROLLBACK")
    assert impatient.tip() == tip


def subprocess_sees(path: str) -> str:
    program = (
        "import sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], timeout=0)\n"
        "try:\n    print(c.execute('SELECT count(*) FROM entries').fetchone())\n"
        "except sqlite3.OperationalError as e:\n    print(e)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program, path], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.attack("A56")
def test_waiting_for_another_writer_is_bounded(ledger: SqlBench) -> None:
    tip = ledger.add("a").tip
    impatient = ledger.open(wait_s=0.02)
    with closing(sqlite3.connect(ledger.place, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        message = refused(lambda: impatient.append(tip, ledger.drafted(tip, "b"), ledger.key), "ledger.busy")
        assert "in 0.02 s" in message
        assert impatient.tip() == tip
        writer.execute("COMMIT")
    assert ledger.add("b").size == 2


@pytest.mark.attack("A43")
@pytest.mark.parametrize("kind", ["link", "directory", "unwritable directory"])
def test_what_is_no_regular_file_is_refused(ledger: SqlBench, tmp_path: Path, kind: str) -> None:
    path = Path(ledger.place)
    if kind == "unwritable directory":
        path.parent.write_bytes(b"in the way")
        refused(ledger.store.initialise, "file.unwritable")
        return
    ledger.add("a")
    path.rename(tmp_path / "elsewhere")
    if kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.mkdir()
    refused(ledger.store.read, "ledger.unreachable")
    refused(lambda: ledger.add("b"), "ledger.unreachable")


def test_nodes_are_searched_and_not_scanned(ledger: SqlBench) -> None:
    ledger.add(*"abcdefg")
    wanted = nodes_at([(0, 1), (0, 3), (2, 0), (5, 5)])
    query = str(wanted.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    with closing(sqlite3.connect(ledger.place)) as other:
        plan = other.execute("EXPLAIN QUERY PLAN " + query.replace(f"{SCHEMA}.", "")).fetchall()
    steps = {step.split(" (")[0] for *_, step in plan}
    assert "SEARCH nodes USING PRIMARY KEY" in steps
    assert not any(step.startswith("SCAN") for step in steps)


def test_a_tip_looks_at_the_nodes_below_the_last_one_of_the_frontier_alone(ledger: SqlBench) -> None:
    asked: list[str] = []
    ledger.store.initialise()
    with ledger.store.database.connection() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_trace_callback(asked.append)
        for size in range(1, 9):
            ledger.add(str(size))
            with ledger.store.database.reading(connection):
                ledger.store._verifying.tip(connection)
    nodes = [
        re.findall(r"level = (\d+) AND main.nodes.place IN \((\d+)\)", sql) for sql in asked if "FROM main.nodes" in sql
    ]
    # An odd size ends with a leaf, whose hash is the entry's own.
    assert nodes == [
        [("0", "0")],
        [("0", "2"), ("1", "0")],
        [("0", "4")],
        [("0", "6"), ("1", "2"), ("2", "0")],
    ]


@pytest.mark.attack("A47")
def test_the_journal_of_a_killed_writer_is_rolled_back_by_whoever_comes_next(ledger: SqlBench) -> None:
    """A process that dies in the middle of a transaction leaves a hot journal, and pages that it rolls back."""
    state = ledger.add("a")
    program = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA cache_size=1')\n"
        "c.execute('BEGIN IMMEDIATE')\n"
        "c.executemany('INSERT INTO nodes VALUES (9, ?, zeroblob(32))', [(i,) for i in range(5000)])\n"
        "os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, ledger.place], check=False).returncode == -9
    journal = Path(f"{ledger.place}-journal")
    assert journal.stat().st_size > 0
    assert ledger.store.read() == state
    assert not journal.exists()
    assert ledger.add("b").size == 2
