from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.trust.keys import write_private_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger_bench import Bench

SCRIPT = Path(__file__).with_name("faults.py")
ROUNDS = 3
ENOUGH = 9


@pytest.fixture
def start(bench: Bench, tmp_path: Path) -> Callable[[str, str], subprocess.Popen[str]]:
    key_file = tmp_path / "ledger.pem"
    write_private_key(key_file, bench.key.to_pem())

    def run(mode: str, label: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(SCRIPT), mode, str(bench.directory), str(key_file), label]
        environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[1])}
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    return run


def said(process: subprocess.Popen[str]) -> list[Any]:
    """What it still has to say; a line that a kill tore is left out."""
    with process:
        assert process.stdout is not None
        return [json.loads(line) for line in process.stdout if line.endswith("\n")]


def gone_on(outcome: dict[str, Any]) -> tuple[int, int]:
    """Where the next entry is and how many there are then: what was begun has been completed before it."""
    size = 4 if outcome["begun"] else outcome["size"]
    return size, size + 1


@pytest.mark.attack("A47")
def test_killed_writers_lose_nothing_that_was_acknowledged(
    bench: Bench, start: Callable[[str, str], subprocess.Popen[str]]
) -> None:
    acknowledged: set[str] = set()
    for turn in range(ROUNDS):
        writers = [start("write", f"{turn}-{i}") for i in range(3)]
        for writer in writers:
            assert writer.stdout is not None
            acknowledged |= {json.loads(writer.stdout.readline()) for _ in range(ENOUGH // 3)}
        for writer in writers:
            writer.kill()
        for writer in writers:
            acknowledged |= set(said(writer))
        assert acknowledged <= set(bench.store.read().record_ids())
    assert len(acknowledged) >= ROUNDS * ENOUGH


@pytest.mark.attack("A47")
@pytest.mark.attack("A50")
def test_a_kill_around_any_system_call_leaves_the_old_ledger_or_the_new_one(
    bench: Bench, start: Callable[[str, str], subprocess.Popen[str]]
) -> None:
    bench.add("a", "b")
    process = start("crash", "new")
    outcomes = said(process)
    assert process.returncode == 0
    assert [o["step"] for o in outcomes] == list(range(1, len(outcomes) + 1))
    assert [o["killed"] for o in outcomes] == [True] * (len(outcomes) - 1) + [False]
    sizes = [o["size"] for o in outcomes]
    assert sizes == sorted(sizes)
    assert set(sizes) == {2, 4}
    assert {o["size"] for o in outcomes if o["begun"]} == {2}, "a reader goes by the head that is in place"
    assert {o["begun"] for o in outcomes} == {True, False}
    assert {o["agreed"] for o in outcomes} == {True}
    assert [(o["after"], o["grown"]) for o in outcomes] == [gone_on(o) for o in outcomes]


@pytest.mark.attack("A47")
@pytest.mark.attack("A50")
def test_a_kill_at_any_call_that_changes_files_is_survived_by_ledger_and_side_files(
    bench: Bench, start: Callable[[str, str], subprocess.Popen[str]]
) -> None:
    bench.add("a", "b")
    process = start("walk", "new")
    outcomes = said(process)
    assert process.returncode == 0
    for lost in (False, True):
        mine = [o for o in outcomes if o["lost"] == lost]
        sizes = [o["size"] for o in mine]
        assert sizes == sorted(sizes)
        assert set(sizes) == {2, 4}
        assert {o["begun"] for o in mine} == {True, False}
        assert {"write", "fsync", "pwrite64", "openat", "unlink"} <= {o["call"] for o in mine}
        assert [o["call"] for o in mine].index("") == len(mine) - 1
        assert {o["agreed"] for o in mine} == {True}
        assert [(o["after"], o["grown"]) for o in mine] == [gone_on(o) for o in mine]


@pytest.mark.attack("A50")
def test_what_is_acknowledged_was_flushed_in_order(
    bench: Bench, start: Callable[[str, str], subprocess.Popen[str]]
) -> None:
    """A power failure finds what is begun on the disk before its lines, and those before the checkpoint over them."""
    bench.add("a", "b")
    later, first = said(start("calls", "new"))
    flushed = r"openat (write )+fsync rename (unlink )?fsync "
    lines = r"(write )+fsync "
    # What is begun, in its place; the lines; the checkpoint, in its place; then what was begun may go.
    assert re.match(rf"(mkdir )?(openat )*{flushed}{lines}{flushed}unlink ", later), later
    # A new ledger: the log's name is there, and flushed with that of an empty tree's checkpoint, before anything follows.
    assert re.match(rf"mkdir (openat )+write fsync rename (unlink )?fsync {flushed}{lines}{flushed}unlink ", first), (
        first
    )


@pytest.mark.attack("A45")
def test_of_processes_that_promote_at_once_exactly_one_wins(
    bench: Bench, start: Callable[[str, str], subprocess.Popen[str]]
) -> None:
    bench.add("a")
    racers = [start("race", label) for label in ("x", "y", "z")]
    for racer in racers:
        assert racer.stdout is not None
        assert json.loads(racer.stdout.readline()) == "ready"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    results = sorted(result for racer in racers for result in said(racer))
    assert results == [["ledger.race-lost", 9], ["ledger.race-lost", 9], ["won", 0]]
    assert bench.store.read().size == 2


@pytest.mark.attack("A51")
def test_a_full_disk_leaves_the_ledger_as_it_was(
    bench: Bench, start: Callable[[str, str], subprocess.Popen[str]]
) -> None:
    bench.add("a", "b")
    before = bench.files()
    assert said(start("full", "new")) == [
        ["log", "ledger.unwritable", 9],
        ["checkpoint", "file.unwritable", 9],
    ]
    assert bench.files() == before
