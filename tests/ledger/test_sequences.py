from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.errors import StoreError, TrustError
from bspec_opa.foundation.locking import lock_descriptor
from bspec_opa.ledger.sequences import Seen, Sequences

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_nothing_is_remembered_at_first_and_asking_writes_nothing(place: Path) -> None:
    assert Sequences(place).check("acme security", Seen(1, "r")) is None
    assert not place.exists()


@pytest.mark.attack("A31")
def test_the_highest_is_remembered_for_each_publisher(place: Path) -> None:
    memory = Sequences(place)
    memory.remember("acme security", Seen(7, "r7"))
    memory.remember("acme security", Seen(7, "r7"))
    assert memory.check("acme security", Seen(8, "r8")) == Seen(7, "r7")
    for act in (memory.check, memory.remember):
        with pytest.raises(TrustError) as older:
            act("acme security", Seen(6, "r6"))
        with pytest.raises(TrustError) as reused:
            act("acme security", Seen(7, "other"))
        assert (older.value.code, reused.value.code) == ("ledger.older-bundle", "ledger.sequence-reused")
    assert memory.check("acme other", Seen(1, "r")) is None
    memory.remember("acme security", Seen(9, "r9"))
    assert memory.check("acme security", Seen(9, "r9")) == Seen(9, "r9")
    assert place.stat().st_mode & 0o777 == 0o700
    assert {p.stat().st_mode & 0o777 for p in place.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "text", [b"", b"{}", b'{"v": 1, "publisher": "b", "sequence": 1, "revision": "r"}', b"[]", b"{"]
)
def test_a_damaged_memory(place: Path, text: bytes) -> None:
    memory = Sequences(place)
    memory.remember("a", Seen(7, "r7"))
    (file,) = place.iterdir()
    file.write_bytes(text)
    with pytest.raises(TrustError) as error:
        memory.check("a", Seen(8, "r8"))
    assert error.value.code == "ledger.memory-damaged"


def test_a_memory_that_others_may_write(place: Path) -> None:
    memory = Sequences(place)
    memory.remember("a", Seen(7, "r7"))
    place.chmod(0o770)
    for act in (memory.check, memory.remember):
        with pytest.raises(TrustError) as error:
            act("a", Seen(8, "r8"))
        assert error.value.code == "ledger.memory-damaged"


def test_another_process_holds_it(place: Path) -> None:
    memory = Sequences(place, wait_s=0)
    memory.remember("a", Seen(7, "r7"))
    descriptor = os.open(place, os.O_RDONLY)
    try:
        assert lock_descriptor(descriptor, exclusive=True, wait_s=0)
        with pytest.raises(StoreError) as error:
            memory.remember("a", Seen(8, "r8"))
    finally:
        os.close(descriptor)
    assert error.value.code == "ledger.busy"
