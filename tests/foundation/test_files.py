from __future__ import annotations

import os
import re
import stat
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.foundation.errors import BspecError, InvalidInputError, StoreError, UsageError
from bspec_opa.foundation.files import (
    LEFT_OVER_S,
    _write_exclusive,
    list_files,
    make_directory,
    read_bounded,
    safe_name,
    sweep,
    sync_directory,
    write_atomic,
    write_new,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def names(directory: Path) -> list[str]:
    return sorted(p.name for p in directory.iterdir())


def test_reading_gives_all_bytes_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"12345")
    assert read_bounded(file, 5) == b"12345"
    with pytest.raises(InvalidInputError) as caught:
        read_bounded(file, 4)
    assert caught.value.code == "file.too-large"
    assert str(caught.value).startswith(f"{file}: ")


@pytest.mark.attack("A43")
def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"x")
    (tmp_path / "link").symlink_to("target")
    with pytest.raises(InvalidInputError, match="symbolic link") as caught:
        read_bounded(tmp_path / "link", 10)
    assert caught.value.code == "file.unreadable"


@pytest.mark.attack("A43")
def test_a_file_swapped_after_reading_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "f"
    write_atomic(file, b"old")
    data = read_bounded(file, 10)
    write_atomic(file, b"new")
    assert (data, read_bounded(file, 10)) == (b"old", b"new")


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(InvalidInputError, match="not a regular file"):
            read_bounded(path, 10)


def test_a_missing_file_and_a_name_with_nul_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="No such file"):
        read_bounded(tmp_path / "missing", 10)
    with pytest.raises(InvalidInputError, match="no file name"):
        read_bounded(tmp_path / "a\0b", 10)


def test_a_file_that_fails_while_being_read_is_refused() -> None:
    from pathlib import Path

    with pytest.raises(InvalidInputError, match="can't be read") as caught:
        read_bounded(Path("/proc/self/mem"), 10)
    assert caught.value.code == "file.unreadable"


@pytest.mark.parametrize("write", [write_atomic, write_new])
def test_writing_leaves_exactly_the_file(tmp_path: Path, write: Callable[..., None]) -> None:
    write(tmp_path / "f", b"data", mode=0o600)
    assert names(tmp_path) == ["f"]
    assert (tmp_path / "f").read_bytes() == b"data"
    status = (tmp_path / "f").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_nlink) == (0o600, 1)


def test_atomic_writing_replaces_a_link_and_not_its_target(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"kept")
    (tmp_path / "link").symlink_to("target")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "target").read_bytes() == b"kept"
    assert read_bounded(tmp_path / "link", 10) == b"new"


def test_a_new_file_never_replaces_one(tmp_path: Path) -> None:
    write_new(tmp_path / "f", b"first")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("f", "dangling"):
        with pytest.raises(UsageError) as caught:
            write_new(tmp_path / name, b"second")
        assert caught.value.code == "file.exists"
    assert (tmp_path / "f").read_bytes() == b"first"
    assert names(tmp_path) == ["dangling", "f"]


@pytest.mark.attack("A74")
@pytest.mark.parametrize("write", [write_atomic, write_new])
def test_a_temporary_file_is_nobody_elses(tmp_path: Path, write: Callable[..., None]) -> None:
    """No two names are alike, it is there only for its owner from the first moment on, and never opened if it is there."""
    seen: list[tuple[str, int]] = []

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event in {"os.rename", "os.link"} and str(arguments[0]).startswith(str(tmp_path)) and len(seen) < 3:
            path = Path(arguments[0])
            seen.append((path.name, stat.S_IMODE(path.stat().st_mode)))

    sys.addaudithook(
        look
    )  # sees every rename before it happens; it can't be taken away, and looks no more from three on
    before = os.umask(0)
    try:
        for number in range(3):
            write(tmp_path / f"f{number}", b"secret", mode=0o600)
    finally:
        os.umask(before)
    assert len({name for name, _ in seen}) == 3
    assert all(re.fullmatch(r"\.[0-9a-f]{16}\.tmp", name) for name, _ in seen)
    assert {mode for _, mode in seen} == {0o600}
    (tmp_path / "victim").write_bytes(b"kept")
    for squatter in ("link", "file"):
        place = tmp_path / f".{squatter}.tmp"
        if squatter == "link":
            place.symlink_to(tmp_path / "victim")
        else:
            place.write_bytes(b"theirs")
        with pytest.raises(FileExistsError):
            _write_exclusive(place, b"secret", 0o600)
    assert (tmp_path / "victim").read_bytes() == b"kept"


@pytest.mark.parametrize("write", [write_atomic, write_new])
@pytest.mark.parametrize("name", ["missing/f", "a\0b", "n" * 300])
def test_a_failed_write_leaves_nothing(tmp_path: Path, write: Callable[..., None], name: str) -> None:
    with pytest.raises(StoreError) as caught:
        write(tmp_path / name, b"data")
    assert caught.value.code == "file.unwritable"
    assert names(tmp_path) == []


def test_directories_are_created_with_their_parents_and_may_exist(tmp_path: Path) -> None:
    make_directory(tmp_path / "a" / "b")
    make_directory(tmp_path / "a" / "b")
    sync_directory(tmp_path / "a" / "b")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError) as caught:
        make_directory(tmp_path / "file" / "c")
    assert caught.value.code == "file.unwritable"


@pytest.mark.parametrize("name", ["a", "A1", "_x", "billing-support_v1.0.json", "a" * 200])
def test_safe_names_are_kept(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.attack("A70")
@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/../b",
        "a/b",
        "a\\b",
        ".hidden",
        "-rf",
        "a\0b",
        "a\n",
        "a b",
        "a..b",
        "\u0430",
        "a" * 201,
        "a" * 10_000,
    ],
)
def test_names_that_could_leave_their_directory_are_refused(name: str) -> None:
    with pytest.raises(BspecError) as caught:
        safe_name(name)
    assert caught.value.code == "file.bad-name"
    assert len(str(caught.value)) < 200


def test_listing_sorts_by_name_and_leaves_out_hidden_and_other_files(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", ".c.json", "d.txt"):
        (tmp_path / name).write_bytes(b"")
    assert list_files(tmp_path, ".json", 2) == [tmp_path / "a.json", tmp_path / "b.json"]


def test_a_listing_over_the_limit_or_of_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"")
    with pytest.raises(InvalidInputError) as caught:
        list_files(tmp_path, ".json", 0)
    assert caught.value.code == "file.too-large"
    for missing in ("missing", "a.json", "a\0b"):
        with pytest.raises(InvalidInputError) as caught:
            list_files(tmp_path / missing, ".json", 1)
        assert caught.value.code == "file.unreadable"


TEMPORARY = ".0123456789abcdef.tmp"


@pytest.mark.parametrize("write", [write_atomic, write_new])
def test_what_a_killed_process_left_is_swept_by_the_next_writer(
    tmp_path: Path, write: Callable[[Path, bytes], None]
) -> None:
    old = time.time() - LEFT_OVER_S - 60
    left = [TEMPORARY, f".{'a' * 32}.tmp"]
    others = [".0123.tmp", "0123456789abcdef.tmp", ".0123456789abcdeg.tmp", ".0123456789abcdef.tmp.txt", "notes.tmp"]
    for name in (*left, *others):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (old, old))
    write(tmp_path / "file", b"data")
    assert names(tmp_path) == sorted([*others, "file"])


def test_only_old_regular_files_are_swept(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"x")
    (tmp_path / TEMPORARY).write_bytes(b"being written by somebody else")
    (tmp_path / ".1123456789abcdef.tmp").symlink_to("target")
    (tmp_path / ".2123456789abcdef.tmp").mkdir()
    sweep(tmp_path)
    assert len(names(tmp_path)) == 4
    sweep(tmp_path, time.time() + 2 * LEFT_OVER_S)
    assert names(tmp_path) == [".1123456789abcdef.tmp", ".2123456789abcdef.tmp", "target"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_other_peoples_files_are_not_swept(tmp_path: Path) -> None:
    (tmp_path / TEMPORARY).write_bytes(b"x")
    os.chown(tmp_path / TEMPORARY, 12345, -1)
    sweep(tmp_path, time.time() + 2 * LEFT_OVER_S)
    assert names(tmp_path) == [TEMPORARY]


def test_a_directory_that_cant_be_swept_is_left(tmp_path: Path) -> None:
    sweep(tmp_path / "none")
    (tmp_path / "file").write_bytes(b"")
    sweep(tmp_path / "file")
    assert names(tmp_path) == ["file"]
