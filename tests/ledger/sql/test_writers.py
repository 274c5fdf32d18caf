"""Many processes write one ledger in a database, and some of them are killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bspec_opa.trust.keys import write_private_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from sql_bench import SqlBench

    from bspec_opa.trust.keys import PrivateKey

    Start = Callable[[str, int], subprocess.Popen[str]]

SCRIPT = Path(__file__).with_name("writers.py")


@pytest.fixture
def start(bench: SqlBench, tmp_path: Path) -> Start:
    key_file = tmp_path / "ledger.pem"
    write_private_key(key_file, bench.key.to_pem())

    def run(label: str, count: int) -> subprocess.Popen[str]:
        command = [sys.executable, str(SCRIPT), bench.url, str(key_file), label, str(count)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    return run


def said(process: subprocess.Popen[str]) -> set[str]:
    """What it still has to say; a line that a kill tore is left out."""
    with process:
        assert process.stdout is not None
        return {json.loads(line) for line in process.stdout if line.endswith("\n")}


@pytest.mark.attack("A46")
@pytest.mark.attack("A47")
def test_of_many_writers_and_killed_ones_nothing_acknowledged_is_lost_and_nothing_forks(
    bench: SqlBench, start: Start
) -> None:
    killed = [start(f"k{i}", 0) for i in range(2)]
    writer = start("w", 6)
    acknowledged: set[str] = set()
    for process in killed:
        assert process.stdout is not None
        acknowledged |= {json.loads(process.stdout.readline()) for _ in range(3)}
    for process in killed:
        process.kill()
    for process in killed:
        acknowledged |= said(process)
    whole = said(writer)
    assert (writer.returncode, len(whole)) == (0, 6)
    state = bench.store.read()
    assert acknowledged | whole <= set(state.record_ids())
    assert state.size - len(acknowledged | whole) <= len(killed)
    assert state.size == bench.counts()["checkpoints"] == bench.counts()["entries"]
    assert bench.add("after").size == state.size + 1


@pytest.mark.attack("A51")
def test_a_full_disk_leaves_the_ledger_as_it_was(
    make_sqlite: Callable[[], SqlBench], tmp_path: Path, keys: tuple[PrivateKey, ...]
) -> None:
    """No room for the journal, and room for the journal but not for the database."""
    ledger = make_sqlite()
    state = ledger.add(*(f"a{i}" for i in range(30)))
    key_file = tmp_path / "ledger.pem"
    write_private_key(key_file, ledger.key.to_pem())
    size = Path(ledger.place).stat().st_size
    for room in (0, size // 512):
        command = [sys.executable, str(SCRIPT), ledger.url, str(key_file), f"full{room}", "9"]
        limited = ["sh", "-c", f'ulimit -f {room}; exec "$@"', "sh", *command]
        done = subprocess.run(limited, check=False, capture_output=True, text=True)
        *acknowledged, code = [json.loads(line) for line in done.stdout.splitlines()]
        assert (code, done.returncode) == ("ledger.unwritable", 9), done.stderr
        after = ledger.store.read()
        assert [e.record_id for e in after.entries[state.size :]] == acknowledged
        state = after
    assert ledger.add("b").size == state.size + 1
