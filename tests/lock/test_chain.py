from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation.digest import ZERO_DIGEST
from bspec_opa.foundation.errors import InvalidInputError, StoreError, TrustError
from bspec_opa.foundation.limits import MAX_RECORD_BYTES
from bspec_opa.foundation.locking import lock_descriptor
from bspec_opa.lock.chain import (
    Place,
    append_lines,
    check_chain,
    head_of,
    load_lock,
    missing_lines,
    next_place,
    read_lock,
)

if TYPE_CHECKING:
    from pathlib import Path

    from locksmith import Locksmith

    from bspec_opa.lock.line import LockLine

AGENT = "billing-support"


def refused(lines: list[LockLine] | bytes, code: str, number: int) -> str:
    data = lines if isinstance(lines, bytes) else b"".join(line.record for line in lines)
    with pytest.raises(TrustError) as caught:
        read_lock(data, "behavior.lock")
    assert caught.value.code == code
    assert str(caught.value).startswith(f"behavior.lock line {number}: ")
    return str(caught.value)


def test_a_whole_lock_is_read(lock: Locksmith) -> None:
    assert read_lock(lock.data, "behavior.lock") == tuple(lock.lines)
    assert check_chain([line.record for line in lock.lines], "ledger") == tuple(lock.lines)
    assert read_lock(b"", "behavior.lock") == ()
    assert [(x.seq, x.environment, x.kind) for x in lock.lines] == [
        (0, "staging", "promotion"),
        (1, "production", "promotion"),
        (2, "staging", "promotion"),
        (3, "production", "promotion"),
        (4, "production", "rollback"),
    ]


def test_the_head_is_the_last_line_of_an_environment(lock: Locksmith) -> None:
    assert head_of(lock.lines, AGENT, "staging") == lock.lines[2]
    assert head_of(lock.lines, AGENT, "production") == lock.lines[4]
    assert head_of(lock.lines, AGENT, "elsewhere") is None
    assert head_of(lock.lines, "other-agent", "staging") is None
    assert head_of([], AGENT, "staging") is None


@pytest.mark.attack("A90")
def test_a_base_is_a_line_not_a_binding(lock: Locksmith) -> None:
    """After the rollback the binding of line 2 is back, and yet the base is another one."""
    before = next_place(lock.lines[:2], "production")
    after = next_place(lock.lines, "production")
    assert lock.lines[1].binding_digest == lock.lines[4].binding_digest
    assert (before.base, after.base) == (lock.lines[1].digest, lock.lines[4].digest)


def test_the_place_of_a_next_line(lock: Locksmith) -> None:
    assert next_place([], "staging") == Place(0, ZERO_DIGEST, "genesis")
    assert next_place(lock.lines, "staging") == Place(5, lock.lines[4].digest, lock.lines[2].digest)
    assert next_place(lock.lines[:1], "production") == Place(1, lock.lines[0].digest, "genesis")


@pytest.mark.attack("A54")
def test_a_line_removed_moved_or_repeated_is_named(lock: Locksmith) -> None:
    lines = lock.lines
    for i in range(len(lines) - 1):
        assert f"has the number {i + 1} instead of {i}" in refused(
            lines[:i] + lines[i + 1 :], "lock.broken-chain", i + 1
        )
    refused([lines[1], lines[0], *lines[2:]], "lock.broken-chain", 1)
    refused([*lines, lines[4]], "lock.broken-chain", 6)


def test_a_last_line_removed_is_for_the_ledger_to_tell(lock: Locksmith) -> None:
    assert missing_lines(lock.lines[:4], lock.lines, "behavior.lock") == (lock.lines[4],)


@pytest.mark.attack("A54")
def test_a_line_changed_breaks_the_next(lock: Locksmith) -> None:
    later = lock.lines[1:]
    lock.lines.clear()
    changed = lock.line(binding=lock.binding("one"), view=lock.world.INTENT)
    assert "does not name the line before it" in refused([changed, *later], "lock.broken-chain", 2)


def test_a_cut_or_reformatted_line_is_named(lock: Locksmith) -> None:
    assert "cut off" in refused(lock.data[:-1], "lock.bad-line", 5)
    refused(lock.data.replace(b'{"payload"', b'{ "payload"', 1), "trust.bad-envelope", 1)
    refused(lock.data + b"\n", "trust.bad-envelope", 6)
    refused(lock.data + b"x" * (MAX_RECORD_BYTES + 1) + b"\n", "lock.bad-line", 6)


def test_lines_are_of_one_agent(smith: Locksmith) -> None:
    smith.add()
    smith.add(agent="other-agent")
    assert "agent other-agent" in refused(smith.lines, "lock.broken-chain", 2)


@pytest.mark.attack("A90")
def test_a_base_that_was_not_current_is_refused(lock: Locksmith) -> None:
    lock.add(base=lock.lines[0].digest)
    assert "not current in staging" in refused(lock.lines, "lock.broken-chain", 6)
    lock.lines[5] = lock.line(base="genesis")
    refused([*lock.lines[:5], lock.lines[5]], "lock.broken-chain", 6)


@pytest.mark.attack("A82")
def test_production_carries_the_binding_of_the_current_source(lock: Locksmith) -> None:
    first, live, second = lock.lines[0], lock.lines[1], lock.lines[2]
    one, two = lock.binding("one"), lock.binding("two")
    cases = {
        "has another binding than line 3": {"source": second.digest, "binding": one},
        "was not current in staging": {"source": first.digest, "binding": one},
        "no earlier line of another environment": {"source": live.digest, "binding": one},
        "is no earlier line": {"source": lock.world.INTENT, "binding": two},
        "without a line in the source": {"source": "missing", "binding": two},
    }
    for says, changes in cases.items():
        line = lock.line("production", **changes)  # type: ignore[arg-type]
        assert says in refused([*lock.lines, line], "lock.wrong-source", 6)
    good = lock.line("production", source=second.digest, binding=two)
    assert read_lock(lock.data + good.record, "behavior.lock")[-1] == good


@pytest.mark.attack("A85")
def test_a_rollback_goes_to_a_line_that_was_there(lock: Locksmith) -> None:
    staging, live = lock.lines[0], lock.lines[1]
    for target, binding in ((staging.digest, "one"), (live.digest, "two"), (lock.world.INTENT, "one")):
        back = {"target_line": target, "source": target}
        line = lock.line("production", "rollback", **back, binding=lock.binding(binding))
        refused([*lock.lines, line], "lock.wrong-source", 6)
    line = lock.line("production", "rollback", target_line=live.digest, binding=lock.binding("one"))
    assert "another source or intent" in refused([*lock.lines, line], "lock.wrong-source", 6)


# The file and the ledger


@pytest.mark.attack("A48")
def test_a_lock_that_lacks_lines_is_completed_from_the_ledger(lock: Locksmith, tmp_path: Path) -> None:
    path = tmp_path / "behavior.lock"
    for known in range(len(lock.lines) + 1):
        data = b"".join(line.record for line in lock.lines[:known])
        path.write_bytes(data)
        lacking = missing_lines(read_lock(load_lock(path), path.name), lock.lines, path.name)
        assert append_lines(path, data, lacking) == lock.data == path.read_bytes()
        assert missing_lines(read_lock(load_lock(path), path.name), lock.lines, path.name) == ()


@pytest.mark.attack("A48")
@pytest.mark.attack("A77")
def test_a_line_that_the_ledger_does_not_have_is_refused(lock: Locksmith) -> None:
    for ledger in (lock.lines[:4], [*lock.lines[:4], lock.line()], []):
        with pytest.raises(TrustError) as caught:
            missing_lines(lock.lines, ledger, "behavior.lock")
        assert caught.value.code == "lock.not-in-ledger"
        number = min(len(ledger), 4) + 1
        assert str(caught.value).startswith(f"behavior.lock line {number}: ")


def test_a_first_line_makes_the_file(smith: Locksmith, tmp_path: Path) -> None:
    path = tmp_path / "behavior.lock"
    assert load_lock(path) == b""
    line = smith.add()
    assert append_lines(path, b"", [line]) == line.record
    assert [p.name for p in tmp_path.iterdir()] == ["behavior.lock"]


def test_nothing_to_add_writes_nothing(tmp_path: Path) -> None:
    assert append_lines(tmp_path / "behavior.lock", b"", []) == b""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.attack("A45")
def test_a_file_changed_since_it_was_read_is_left_alone(lock: Locksmith, tmp_path: Path) -> None:
    path = tmp_path / "behavior.lock"
    path.write_bytes(lock.data)
    with pytest.raises(StoreError) as caught:
        append_lines(path, lock.lines[0].record, lock.lines[1:2])
    assert caught.value.code == "lock.changed"
    assert path.read_bytes() == lock.data


def test_what_does_not_follow_is_not_written(lock: Locksmith, tmp_path: Path) -> None:
    path = tmp_path / "behavior.lock"
    path.write_bytes(lock.data)
    with pytest.raises(TrustError) as caught:
        append_lines(path, lock.data, [lock.lines[0]])
    assert caught.value.code == "lock.broken-chain"
    assert path.read_bytes() == lock.data


@pytest.mark.attack("A56")
def test_waiting_for_another_process_is_bounded(smith: Locksmith, tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        assert lock_descriptor(descriptor, exclusive=True, wait_s=0)
        with pytest.raises(StoreError) as caught:
            append_lines(tmp_path / "behavior.lock", b"", [smith.line()], wait_s=0.01)
    finally:
        os.close(descriptor)
    assert caught.value.code == "lock.busy"


@pytest.mark.attack("A43")
def test_a_link_is_not_followed(lock: Locksmith, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(lock.data)
    (tmp_path / "behavior.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidInputError):
        load_lock(tmp_path / "behavior.lock")


@pytest.mark.attack("A51")
def test_a_directory_that_is_not_there_is_a_store_failure(smith: Locksmith, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        append_lines(tmp_path / "nowhere" / "behavior.lock", b"", [smith.line()])
