from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from witnesses import ORIGIN, head, named
from world import key_of, refused

from bspec_opa.foundation import files
from bspec_opa.ledger.witness.cosignature import sign_cosignature
from bspec_opa.ledger.witness.state import FILE_NAME, begin_state, held_state
from bspec_opa.trust.witnesses import Witness

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bspec_opa.ledger.checkpoint import Checkpoint

W1 = named("w1")


def cosigned(size: int, by: str = "w1") -> Checkpoint:
    line = sign_cosignature(head(size), W1.name, key_of(by), 7)
    return replace(head(size), signatures=(*head(size).signatures, line))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    begin_state(tmp_path / "state", W1)
    return tmp_path / "state"


def test_what_is_kept_is_there_the_next_time(place: Path) -> None:
    with held_state(place, W1) as state:
        assert state.known == {}
        state.keep(cosigned(3))
        state.keep(cosigned(8))
        assert state.known == {ORIGIN: cosigned(8)}
    with held_state(place, W1) as state:
        assert state.known == {ORIGIN: cosigned(8)}


def test_it_is_private(place: Path) -> None:
    assert (place.stat().st_mode & 0o777, (place / FILE_NAME).stat().st_mode & 0o777) == (0o700, 0o600)
    with held_state(place, W1) as state:
        state.keep(cosigned(3))
    assert (place / FILE_NAME).stat().st_mode & 0o777 == 0o600
    place.chmod(0o770)
    with refused("ledger.memory-damaged"), held_state(place, W1):
        pass


def test_a_witness_does_not_begin_by_itself_nor_twice(tmp_path: Path, place: Path) -> None:
    with refused("witness.no-state"), held_state(tmp_path / "lost", W1):
        pass
    assert not (tmp_path / "lost").exists()
    with refused("file.exists"):
        begin_state(place, W1)


def test_one_process_holds_it(place: Path) -> None:
    with held_state(place, W1):
        with refused("witness.state-busy"), held_state(place, W1):
            pass
        with refused("witness.state-busy"):
            begin_state(place, W1)


@pytest.mark.attack("A55")
def test_an_old_copy_that_is_put_back_under_a_running_witness_stops_it(place: Path) -> None:
    file = place / FILE_NAME
    with held_state(place, W1) as state:
        state.keep(cosigned(3))
        old = file.read_bytes()
        state.keep(cosigned(8))
        file.write_bytes(old)
        with refused("witness.state-changed"):
            state.keep(cosigned(12))
        assert file.read_bytes() == old
        file.unlink()
        with refused("witness.bad-state"):
            state.keep(cosigned(12))
        assert state.known == {ORIGIN: cosigned(8)}


def test_a_full_disk_changes_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with held_state(place, W1) as state:
        state.keep(cosigned(3))
        before = (place / FILE_NAME).read_bytes()
        with monkeypatch.context() as patch:
            patch.setattr(files, "_write_exclusive", full)
            with refused("file.unwritable"):
                state.keep(cosigned(8))
        assert (place / FILE_NAME).read_bytes() == before
        assert state.known == {ORIGIN: cosigned(3)}
        state.keep(cosigned(8))
    assert [p.name for p in place.iterdir()] == [FILE_NAME]


def _edited(change: Callable[[Any], object]) -> Callable[[bytes], bytes]:
    def edit(data: bytes) -> bytes:
        value = json.loads(data)
        change(value)
        return json.dumps(value).encode()

    return edit


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda d: d[:-1],
    "empty": lambda _: b"",
    "no JSON": lambda _: b"\x00\xff",
    "another version": _edited(lambda v: v.update(v=2)),
    "another witness": _edited(lambda v: v.update(witness="w2.example")),
    "another key": _edited(lambda v: v.update(keyid=key_of("w2").keyid)),
    "no checkpoint": _edited(lambda v: v.update(checkpoints=["x"])),
    "never cosigned": _edited(lambda v: v.update(checkpoints=[head(3).to_bytes().decode()])),
    "cosigned by another": _edited(lambda v: v.update(checkpoints=[cosigned(3, by="w2").to_bytes().decode()])),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_state_is_refused(place: Path, case: str) -> None:
    with held_state(place, W1) as state:
        state.keep(cosigned(8))
    file = place / FILE_NAME
    file.write_bytes(DAMAGED[case](file.read_bytes()))
    with refused("witness.bad-state"), held_state(place, W1):
        pass


def test_a_state_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with refused("file.unwritable"):
        begin_state(tmp_path / "file", W1)
    with refused("witness.no-state"), held_state(tmp_path / "file", W1):
        pass


def test_the_state_of_another_witness_is_refused(place: Path) -> None:
    with refused("witness.bad-state") as raised, held_state(place, Witness("w2.example", W1.key)):
        pass
    assert "is the state of w1.example" in str(raised.value)
