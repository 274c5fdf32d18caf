from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import StoreError, TrustError
from bspec_opa.foundation.locking import lock_descriptor
from bspec_opa.ledger.interface import LedgerState
from bspec_opa.ledger.memory import Memory, Remembered, Restart, state_directory

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger_bench import Bench

ROOT_1, ROOT_2 = digest_of(b"root 1"), digest_of(b"root 2")


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "state" / "bspec-opa")


def refused(call: Callable[[], object], code: str) -> None:
    with pytest.raises((TrustError, StoreError)) as caught:
        call()
    assert caught.value.code == code


def test_nothing_is_remembered_at_first_and_asking_writes_nothing(memory: Memory, tmp_path: Path) -> None:
    assert memory.recall("acme") is None
    assert memory.check("acme", 1, ROOT_1, LedgerState("o")) is None
    assert list(tmp_path.iterdir()) == []


def test_what_was_seen_is_remembered_privately(memory: Memory, bench: Bench, tmp_path: Path) -> None:
    state = bench.add("a", "b")
    memory.remember("acme", 2, ROOT_2, state)
    assert memory.recall("acme") == Remembered(2, ROOT_2, bench.origin, 2, state.root_hash)
    assert memory.recall("demo") is None
    directory = tmp_path / "state" / "bspec-opa"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in directory.iterdir()} == {0o600}


def test_growth_is_fine_and_remembered(memory: Memory, bench: Bench) -> None:
    memory.remember("acme", 1, ROOT_1, bench.add("a"))
    grown = bench.add("b")
    assert memory.check("acme", 2, ROOT_2, grown) is not None
    memory.remember("acme", 2, ROOT_2, grown)
    memory.remember("acme", 2, ROOT_2, grown)
    assert memory.recall("acme") == Remembered(2, ROOT_2, bench.origin, 2, grown.root_hash)


@pytest.mark.attack("A18")
def test_an_older_or_another_root_is_refused(memory: Memory, bench: Bench) -> None:
    state = bench.add("a")
    memory.remember("acme", 2, ROOT_2, state)
    refused(lambda: memory.check("acme", 1, ROOT_1, state), "ledger.root-rolled-back")
    refused(lambda: memory.check("acme", 2, ROOT_1, state), "ledger.root-rolled-back")
    refused(lambda: memory.remember("acme", 1, ROOT_1, state), "ledger.root-rolled-back")
    assert memory.check("demo", 1, ROOT_1, state) is None


@pytest.mark.attack("A55")
@pytest.mark.attack("A78")
def test_a_genuine_older_ledger_is_refused(memory: Memory, bench: Bench, tmp_path: Path) -> None:
    old = bench.add("a")
    shutil.copytree(bench.directory, tmp_path / "backup")
    memory.remember("acme", 1, ROOT_1, bench.add("b"))
    shutil.rmtree(bench.directory)
    shutil.copytree(tmp_path / "backup", bench.directory)
    assert bench.store.read() == old
    refused(lambda: memory.check("acme", 1, ROOT_1, bench.store.read()), "ledger.rolled-back")
    shutil.rmtree(bench.directory)
    refused(lambda: memory.check("acme", 1, ROOT_1, bench.store.read()), "ledger.rolled-back")


@pytest.mark.attack("A53")
def test_another_history_is_refused_whatever_its_size(memory: Memory, bench: Bench, tmp_path: Path) -> None:
    memory.remember("acme", 1, ROOT_1, bench.add("a", "b"))
    fork = bench.open(tmp_path / "fork")
    bench.add("a", "x", store=fork)
    refused(lambda: memory.check("acme", 1, ROOT_1, fork.read()), "ledger.forked")
    bench.add("y", store=fork)
    refused(lambda: memory.remember("acme", 1, ROOT_1, fork.read()), "ledger.forked")


def test_a_ledger_that_a_newer_root_names_starts_anew(memory: Memory, bench: Bench) -> None:
    memory.remember("acme", 1, ROOT_1, bench.add("a"))
    memory.remember("acme", 2, ROOT_2, LedgerState("ledger.example/new"))
    found = memory.recall("acme")
    assert found is not None
    assert (found.origin, found.tree_size) == ("ledger.example/new", 0)


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_memory_that_others_can_write_is_no_memory(memory: Memory, bench: Bench, tmp_path: Path, mode: int) -> None:
    state = bench.add("a")
    memory.remember("acme", 1, ROOT_1, state)
    (tmp_path / "state" / "bspec-opa").chmod(mode)
    refused(lambda: memory.recall("acme"), "ledger.memory-damaged")
    refused(lambda: memory.remember("acme", 1, ROOT_1, state), "ledger.memory-damaged")


def test_a_damaged_memory_is_refused(memory: Memory, bench: Bench, tmp_path: Path) -> None:
    memory.remember("acme", 1, ROOT_1, bench.add("a"))
    (file,) = (tmp_path / "state" / "bspec-opa").iterdir()
    good = json.loads(file.read_bytes())
    for bad in (b"", b"{", json.dumps({**good, "domain": "demo"}).encode(), json.dumps({**good, "v": 2}).encode()):
        file.write_bytes(bad)
        refused(lambda: memory.recall("acme"), "ledger.memory-damaged")


@pytest.mark.attack("A56")
def test_waiting_for_another_process_is_bounded(bench: Bench, tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state", wait_s=0.01)
    memory.remember("acme", 1, ROOT_1, bench.add("a"))
    descriptor = os.open(tmp_path / "state", os.O_RDONLY)
    try:
        assert lock_descriptor(descriptor, exclusive=True, wait_s=0)
        refused(lambda: memory.remember("acme", 1, ROOT_1, bench.add("b")), "ledger.busy")
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, "/home/ann/.local/state/bspec-opa"),
        ({"XDG_STATE_HOME": "/var/state"}, "/var/state/bspec-opa"),
        ({"XDG_STATE_HOME": "relative"}, "/home/ann/.local/state/bspec-opa"),
        ({"XDG_STATE_HOME": "/var/state", "BSPEC_OPA_STATE_DIR": "/srv/memory"}, "/srv/memory"),
    ],
    ids=str,
)
def test_the_state_directory_is_the_users(environ: dict[str, str], found: str) -> None:
    assert state_directory(environ, Path("/home/ann")) == Path(found)


@pytest.mark.attack("A18")
def test_a_root_alone_is_remembered_and_what_is_known_of_the_ledger_stays(memory: Memory, bench: Bench) -> None:
    empty = LedgerState(bench.origin)
    memory.remember_root("acme", 1, ROOT_1, bench.origin)
    assert memory.recall("acme") == Remembered(1, ROOT_1, bench.origin, 0, empty.root_hash)
    state = bench.add("a")
    memory.remember("acme", 1, ROOT_1, state)
    memory.remember_root("acme", 2, ROOT_2, bench.origin)
    assert memory.recall("acme") == Remembered(2, ROOT_2, bench.origin, 1, state.root_hash)
    for act in (
        lambda: memory.check_root("acme", 1, ROOT_1),
        lambda: memory.check_root("acme", 2, ROOT_1),
        lambda: memory.remember_root("acme", 1, ROOT_1, bench.origin),
    ):
        refused(act, "ledger.root-rolled-back")
    refused(lambda: memory.check("acme", 2, ROOT_2, empty), "ledger.rolled-back")


@pytest.mark.attack("A53")
@pytest.mark.parametrize("by_root_first", [False, True])
def test_what_was_seen_under_a_stolen_ledger_key_gives_way_to_its_last_good_tree(
    memory: Memory, bench: Bench, by_root_first: bool
) -> None:
    """Only for what was remembered before the version of the root that says so, and only down to that tree."""
    good = bench.add("a")
    memory.remember("acme", 1, ROOT_1, bench.add("b", "c"))
    restart = [Restart(2, 1, good.root_hash)]
    refused(lambda: memory.check("acme", 2, ROOT_2, good), "ledger.rolled-back")
    refused(lambda: memory.check("acme", 2, ROOT_2, LedgerState(bench.origin), restart), "ledger.rolled-back")
    refused(lambda: memory.check("acme", 1, ROOT_1, good, [Restart(1, 1, good.root_hash)]), "ledger.rolled-back")
    if by_root_first:
        memory.remember_root("acme", 2, ROOT_2, bench.origin, restart)
    memory.remember("acme", 2, ROOT_2, good, restart)
    grown = bench.add("d")
    assert memory.check("acme", 2, ROOT_2, grown, restart) is not None
    refused(lambda: memory.check("acme", 2, ROOT_2, LedgerState(bench.origin), restart), "ledger.rolled-back")
