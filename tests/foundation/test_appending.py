from __future__ import annotations

import fcntl
import os
import resource
import stat
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bspec_opa.foundation import appending
from bspec_opa.foundation.appending import append_line

if TYPE_CHECKING:
    from pathlib import Path


def test_lines_follow_each_other_in_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "log"
    append_line(file, b"one")
    append_line(file, b"two")
    assert file.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_line_that_nobody_finished_is_ended(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"one\ntw")
    append_line(file, b"three")
    assert file.read_bytes() == b"one\ntw\nthree\n"


@pytest.mark.parametrize("made", ["directory", "link", "pipe", "missing"])
def test_what_is_no_file_to_write_to(tmp_path: Path, made: str) -> None:
    file, other = tmp_path / "log", tmp_path / "other"
    other.write_bytes(b"kept")
    if made == "directory":
        file.mkdir()
    elif made == "link":
        file.symlink_to(other)
    elif made == "pipe":
        os.mkfifo(file)
    else:
        file = tmp_path / "nowhere" / "log"
    with pytest.raises(OSError, match=r"."):
        append_line(file, b"one")
    assert other.read_bytes() == b"kept"


def test_half_a_line_is_taken_back(tmp_path: Path) -> None:
    """The file may not grow past a limit, as on a full disk."""
    file = tmp_path / "log"
    append_line(file, b"one")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            append_line(file, b"x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_bytes() == b"one\n"


def test_somebody_who_keeps_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appending, "WAIT_S", 0.05)
    file = tmp_path / "log"
    append_line(file, b"one")
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="has kept its lock"):
            append_line(file, b"two")
    assert file.read_bytes() == b"one\n"


def fill(file: Path, who: int) -> None:
    for _ in range(50):
        append_line(file, str(who).encode() * 5000)


def test_processes_take_turns(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(fill, [file] * 4, range(4)))
    lines = file.read_bytes().splitlines()
    assert sorted(lines) == sorted(str(n).encode() * 5000 for n in range(4) for _ in range(50))
