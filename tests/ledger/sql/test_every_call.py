"""A writer of SQLite's file is killed at every system call that writes, flushes or removes (needs strace)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bspec_opa.trust.keys import write_private_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from sql_bench import SqlBench

SCRIPT = Path(__file__).with_name("writers.py")
CALLS = ("pwrite64", "write", "fsync", "fdatasync", "ftruncate", "unlink", "link", "rename")


@pytest.mark.soak
@pytest.mark.attack("A47")
@pytest.mark.attack("A50")
@pytest.mark.parametrize("begun", [True, False], ids=["an append", "the first append"])
def test_a_kill_at_any_call_leaves_the_old_ledger_or_the_new_one(
    make_sqlite: Callable[[], SqlBench], tmp_path: Path, begun: bool
) -> None:
    ledger = make_sqlite()
    if begun:
        ledger.add("a", "b", "c")
    before = ledger.store.read().size
    place, key_file = Path(ledger.place), tmp_path / "ledger.pem"
    write_private_key(key_file, ledger.key.to_pem())
    place.parent.mkdir(exist_ok=True)
    shutil.copytree(place.parent, tmp_path / "begun")
    outcomes = [step(ledger, key_file, call, tmp_path / "begun") for call in CALLS]
    kills = [size - before for found in outcomes for size in found]
    assert set(kills) == {0, 1}
    assert len(kills) > (15 if begun else 8)
    assert all(outcomes[CALLS.index(call)] for call in ("pwrite64", "fdatasync", "unlink"))


def step(ledger: SqlBench, key_file: Path, call: str, begun: Path) -> list[int]:
    """Kill a writer at the first, second, … of these calls until it comes through; the sizes that are left."""
    place, sizes = Path(ledger.place), list[int]()
    for number in count(1):
        shutil.rmtree(place.parent)
        shutil.copytree(begun, place.parent)
        before = ledger.store.read().size
        said, killed = run(ledger, key_file, call, number)
        # A temporary file of a killed maker of the database is no ledger, and the journal is rolled back.
        state = ledger.store.read()
        assert state.size - before in ({0, 1} if killed else {1})
        assert not said or state.size == before + 1
        again = ledger.add("again")
        assert again.size == state.size + 1
        assert ledger.store.read() == again
        if not killed:
            break
        sizes.append(state.size)
    return sizes


def run(ledger: SqlBench, key_file: Path, call: str, number: int) -> tuple[str, bool]:
    """Append in another process; what it acknowledged, and whether it was killed at that call."""
    place = Path(ledger.place)
    watched = [x for p in (place, f"{place}-journal", place.parent) for x in ("-P", str(p))]
    inject = ["-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}"]
    command = [sys.executable, str(SCRIPT), ledger.url, str(key_file), "killed", "1"]
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", *watched, *inject, *command],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode in {0, -9, 137}, done.stderr
    return done.stdout, done.returncode != 0
