"""A file is another one when its bytes are, whatever its times say."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from bundle_server import put

from bspec_opa.bundle.serving.watch import AGAIN_NS, COARSE_NS, Watched
from bspec_opa.foundation.errors import BspecError

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    def __init__(self, path: Path) -> None:
        self.now = path.stat().st_ctime_ns

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    put(tmp_path / "file", b"one")
    return tmp_path / "file"


def same_times(path: Path, data: bytes) -> None:
    """Other bytes of the same length in the same file, with the same time of change."""
    state = path.stat()
    with path.open("r+b") as opened:
        opened.write(data)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def test_bytes_are_given_once(file: Path) -> None:
    watched = Watched(file, 10, Clock(file))
    assert [watched.look(), watched.look()] == [b"one", None]
    put(file, b"two")
    assert [watched.look(), watched.look()] == [b"two", None]
    put(file, b"two")  # renamed, with the same bytes
    assert watched.look() is None


def test_a_change_within_the_clocks_grain_is_seen(file: Path) -> None:
    """Times of a young file prove nothing: it is read again."""
    watched = Watched(file, 10, Clock(file))
    assert watched.look() == b"one"
    same_times(file, b"two")
    watched._stamp = None  # what the file system would say if its clock were that coarse
    assert watched.look() == b"two"


def test_an_old_file_is_not_read_again_and_again(file: Path) -> None:
    clock = Clock(file)
    clock.now += 2 * COARSE_NS
    watched = Watched(file, 10, clock)
    assert watched.look() == b"one"
    file.chmod(0)  # another time of change, so it is tried
    file.chmod(0o644)
    assert watched.look() is None
    stamp = watched._stamp
    assert stamp is not None
    put(file, b"two")
    state = file.stat()
    watched._stamp = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    assert watched.look() is None  # believed, since nothing that the file system says is another
    clock.now += AGAIN_NS
    assert watched.look() == b"two"  # but not for ever


def test_what_cannot_be_read_changes_nothing(file: Path) -> None:
    watched = Watched(file, 3, Clock(file))
    assert watched.look() == b"one"
    put(file, b"four")
    with pytest.raises(BspecError) as e:
        watched.look()
    assert e.value.code == "file.too-large"
    file.unlink()
    with pytest.raises(BspecError) as e:
        watched.look()
    assert e.value.code == "file.unreadable"
    put(file, b"one")
    assert watched.look() is None


def test_links_are_followed(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(file)
    watched = Watched(link, 10, Clock(file))
    assert watched.look() == b"one"
    put(tmp_path / "other", b"two")
    (tmp_path / "new").symlink_to(tmp_path / "other")
    (tmp_path / "new").replace(link)
    assert watched.look() == b"two"
