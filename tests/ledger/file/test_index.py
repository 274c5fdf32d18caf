"""The index of a file ledger: quick where it fits, made anew where it doesn't, and never believed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.errors import TrustError
from bspec_opa.ledger.file import index, view
from bspec_opa.ledger.file.index import Located, RecordIndex, StaleError
from bspec_opa.ledger.reasons import DUPLICATE_RECORD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ledger_bench import Bench

    from bspec_opa.ledger.file.view import Open, ThoroughView
    from bspec_opa.ledger.file_store import FileStore

LABELS = "abc"


@pytest.fixture
def path(bench: Bench) -> Path:
    bench.add("a", "b")
    bench.add("c")
    return bench.directory / "index.sqlite"


@pytest.fixture
def thorough(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Notes each reading of a whole log."""
    calls: list[str] = []
    genuine = view.thorough_view

    def noted(log: Open) -> ThoroughView:
        calls.append(log.name)
        return genuine(log)

    monkeypatch.setattr("bspec_opa.ledger.file.view.thorough_view", noted)
    return calls


def places(bench: Bench) -> list[int | None]:
    store = bench.open()
    ids = [e.record_id for e in store.read().entries]
    return [store.find(x) for x in ids]


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def test_appends_keep_it_and_nothing_reads_the_whole_log(bench: Bench, thorough: list[str], path: Path) -> None:
    assert places(bench) == [0, 1, 2]
    tip = bench.store.tip()
    bench.store.append(tip, tip.draft(bench.now, [("submit", bench.record("d"))]), bench.key)
    again = bench.store.tip()
    twice = again.draft(bench.now, [("submit", bench.record("b"))])
    with pytest.raises(TrustError) as caught:
        bench.store.append(again, twice, bench.key)
    assert caught.value.code == DUPLICATE_RECORD.code
    assert [e.seq for e in bench.store.scan(2)] == [2, 3]
    assert thorough == []


def spoil_bytes(path: Path) -> None:
    path.write_bytes(b"\x00" * path.stat().st_size)


def cut(path: Path) -> None:
    os.truncate(path, 5000)


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


WRONG: dict[str, Callable[[Path], object]] = {
    "missing": lambda p: p.unlink(),
    "no database": spoil_bytes,
    "cut off": cut,
    "a link": link,
    "a pipe": pipe,
    "empty": lambda p: run(p, "DELETE FROM entries"),
    "behind": lambda p: run(p, "DELETE FROM entries WHERE seq = 2"),
    "with other ends": lambda p: run(p, "UPDATE entries SET finish = finish + 1"),
    "with other records": lambda p: run(p, "UPDATE entries SET record = randomblob(32)"),
    "with a trigger": lambda p: run(p, "CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END"),
    "a view that never ends": lambda p: run(
        p,
        "DROP TABLE entries",
        "CREATE VIEW entries AS WITH RECURSIVE n(seq) AS (SELECT 0 UNION ALL SELECT seq + 1 FROM n)"
        " SELECT seq, seq AS finish, x'' AS record FROM n",
    ),
    "of another form": lambda p: run(p, "ALTER TABLE entries ADD COLUMN more TEXT"),
    "not stamped": lambda p: run(p, "DELETE FROM written"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_one_that_does_not_fit_is_made_anew_once(bench: Bench, thorough: list[str], path: Path, wrong: str) -> None:
    WRONG[wrong](path)
    assert places(bench) == [0, 1, 2]
    assert len(thorough) == 1
    del thorough[:]
    assert places(bench) == [0, 1, 2]
    assert thorough == []


def test_an_entry_that_it_does_not_find_where_it_says_is_looked_for_thoroughly(
    bench: Bench, thorough: list[str], path: Path
) -> None:
    ids = [e.record_id for e in bench.store.read().entries]
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for seq, record in ((0, bytes(32)), (1, bytes.fromhex(ids[0][7:]))):
            db.execute("UPDATE entries SET record = ? WHERE seq = ?", (record, seq))
    assert bench.store.find(ids[0]) == 0
    assert len(thorough) == 1


def test_after_a_restart_of_the_machine_it_is_searched_for_damage_once(
    bench: Bench, thorough: list[str], path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boot = tmp_path / "boot"
    boot.write_text("another\n")
    monkeypatch.setattr(index, "_BOOT", boot)
    assert places(bench) == [0, 1, 2]
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT boot FROM written").fetchall() == [("another",)]
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert thorough == []
    boot.write_text("a third\n")
    damage(path)
    assert places(bench) == [0, 1, 2]
    assert len(thorough) == 1


def damage(path: Path) -> None:
    """What a lost page would do: a row that the index of records doesn't have."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name LIKE 'sqlite_autoindex%'").fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * size + 3)
        cells = int.from_bytes(file.read(2))
        file.seek((root - 1) * size + 3)
        file.write((cells - 1).to_bytes(2))


def test_where_the_machine_can_not_be_told_it_is_flushed_and_believed(
    bench: Bench, thorough: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_BOOT", tmp_path / "nowhere")
    bench.add("a", "b")
    bench.add("c")
    assert places(bench) == [0, 1, 2]
    assert thorough == []


def test_a_gap_is_never_bridged(bench: Bench, path: Path) -> None:
    kept = RecordIndex(path)
    entry = bench.store.read().entries[2]
    length = bench.store.log.stat().st_size
    with pytest.raises(StaleError):
        kept.add([(4, length + 10, entry.record_id)], 4, length)
    with pytest.raises(StaleError):
        kept.add([(3, length + 10, entry.record_id)], 3, length + 1)
    (found,) = kept.find([entry.record_id], Located(2, 0, length), entry.record_id)
    assert found is not None
    assert (found.seq, found.end) == (2, length)


def test_what_was_noted_and_never_covered_is_written_over(bench: Bench, thorough: list[str], path: Path) -> None:
    run(path, "INSERT INTO entries VALUES (3, 99999999, zeroblob(32))")
    assert places(bench) == [0, 1, 2]
    bench.add("d")
    assert places(bench) == [0, 1, 2, 3]
    assert thorough == []


def test_without_a_place_to_write_to_everything_works_and_reads_the_whole_log(
    bench: Bench, thorough: list[str], path: Path
) -> None:
    state = bench.store.read()
    for name in ("index.sqlite", "nodes"):
        (bench.directory / name).unlink()
        (bench.directory / name).mkdir()
    store: FileStore = bench.open()
    assert store.tip() == state.tip
    assert places(bench) == [0, 1, 2]
    assert store.inclusion(state.tip, 1).path == state.inclusion(1)
    assert store.consistency(state.tip, 2).path == state.consistency(2)
    assert bench.add("d").size == 4
    assert len(thorough) == 7
    assert sorted(p.name for p in bench.directory.iterdir()) == ["checkpoint", "index.sqlite", "log.jsonl", "nodes"]


def test_a_ledger_from_before_the_side_files_is_indexed_once(bench: Bench, thorough: list[str], path: Path) -> None:
    state = bench.store.read()
    for name in ("index.sqlite", "nodes"):
        (bench.directory / name).unlink()
    (bench.directory / "leaves").write_text("".join(x.hex() + "\n" for x in state.leaves))
    bench.add("d")
    bench.add("e")
    assert len(thorough) == 1
    assert sorted(p.name for p in bench.directory.iterdir()) == ["checkpoint", "index.sqlite", "log.jsonl", "nodes"]


def test_an_altered_ledger_is_not_indexed(bench: Bench, path: Path) -> None:
    (bench.directory / "nodes").unlink()
    path.unlink()
    log = bench.directory / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(b"2026-05-01T00:00:00Z", b"2026-05-01T00:00:01Z"))
    for act in (bench.store.tip, lambda: bench.store.find(bench.store.read().entries[0].record_id)):
        with pytest.raises(TrustError) as caught:
            act()
        assert caught.value.code == "ledger.altered"
    assert sorted(p.name for p in bench.directory.iterdir()) == ["checkpoint", "log.jsonl"]


HALF_WRITTEN = """
import os, signal, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size = 1")
db.execute("BEGIN")
db.execute("DELETE FROM entries WHERE seq < 2")
db.executemany("INSERT INTO entries VALUES (?, ?, randomblob(32))", ((seq, seq) for seq in range(10, 5000)))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.attack("A47")
def test_a_kill_in_the_middle_of_a_transaction_is_taken_back(bench: Bench, thorough: list[str], path: Path) -> None:
    before = path.stat().st_size
    done = subprocess.run([sys.executable, "-c", HALF_WRITTEN, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.stat().st_size > before
    assert path.with_name("index.sqlite-journal").stat().st_size > 0
    assert places(bench) == [0, 1, 2]
    assert thorough == []
    assert bench.add("d").size == 4
    assert not path.with_name("index.sqlite-journal").exists()


@pytest.mark.attack("A47")
def test_a_journal_of_the_old_index_is_never_played_into_the_new_one(bench: Bench, path: Path) -> None:
    subprocess.run([sys.executable, "-c", HALF_WRITTEN, str(path)], check=False)
    journal = path.with_name("index.sqlite-journal")
    kept = journal.read_bytes()
    spoil_bytes(path)
    assert places(bench) == [0, 1, 2]
    assert not journal.exists()
    assert kept
