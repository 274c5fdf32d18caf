"""Compiled code is code: it is kept where nobody else can write, or not at all."""

from __future__ import annotations

import os
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bspec_opa.engine import code_cache
from bspec_opa.engine.code_cache import MAX_ENTRIES, SUFFIX, CodeCache, cache_directory
from bspec_opa.foundation.files import LEFT_OVER_S

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def cache(tmp_path: Path) -> CodeCache:
    return CodeCache(tmp_path / "some" / "where")


def only_note(cache: CodeCache) -> str:
    assert len(cache.notes) == 1
    return cache.notes[0]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, Path("/x/bspec-opa")),
        ({"HOME": "/h"}, Path("/h/.cache/bspec-opa")),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, Path("/h/.cache/bspec-opa")),
        ({"XDG_CACHE_HOME": "", "HOME": "relative"}, None),
        ({}, None),
    ],
)
def test_directory(environ: dict[str, str], expected: Path | None) -> None:
    assert cache_directory(environ) == expected


def test_what_was_written_is_read(cache: CodeCache) -> None:
    assert cache.read("a") is None
    cache.write("a", b"code")
    cache.write("a", b"newer code")
    assert (cache.read("a"), cache.read("b")) == (b"newer code", None)
    assert [p.name for p in cache.directory.iterdir()] == ["a" + SUFFIX]
    assert cache.directory.stat().st_mode & 0o777 == 0o700
    assert (cache.directory / f"a{SUFFIX}").stat().st_mode & 0o777 == 0o600
    assert cache.notes == []


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o755, 0o750])
def test_directory_that_others_can_write(cache: CodeCache, mode: int) -> None:
    cache.write("a", b"code")
    cache.directory.chmod(mode)
    assert cache.read("a") is None
    cache.write("b", b"code")
    assert [p.name for p in cache.directory.iterdir()] == ["a" + SUFFIX]
    assert "is not used: others own it or have access to it" in only_note(cache)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_directory_and_file_of_another_owner(cache: CodeCache) -> None:
    cache.write("a", b"code")
    os.chown(cache.directory / f"a{SUFFIX}", 12345, -1)
    assert cache.read("a") is None
    os.chown(cache.directory, 12345, -1)
    assert cache.read("a") is None
    assert len(cache.notes) == 2


def test_directory_that_is_a_link(cache: CodeCache, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    cache.directory.parent.mkdir()
    cache.directory.symlink_to(tmp_path / "real")
    cache.write("a", b"code")
    assert cache.read("a") is None
    assert list((tmp_path / "real").iterdir()) == []


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o644, 0o755])
def test_file_that_others_can_write(cache: CodeCache, mode: int) -> None:
    cache.write("a", b"code")
    (cache.directory / f"a{SUFFIX}").chmod(mode)
    assert cache.read("a") is None
    assert "has a file that others own or have access to" in only_note(cache)


def test_file_that_is_a_link(cache: CodeCache, tmp_path: Path) -> None:
    cache.write("a", b"code")
    path = cache.directory / f"a{SUFFIX}"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert cache.read("a") is None
    assert "can't be read" in only_note(cache)


def test_file_that_is_none(cache: CodeCache) -> None:
    cache.write("b", b"code")
    (cache.directory / f"a{SUFFIX}").mkdir()
    os.mkfifo(cache.directory / f"c{SUFFIX}")
    assert cache.read("a") is None
    assert cache.read("c") is None
    assert len(cache.notes) == 2


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 100])
def test_damaged_file(cache: CodeCache, damage: bytes) -> None:
    cache.write("a", b"code")
    path = cache.directory / f"a{SUFFIX}"
    path.write_bytes(damage)
    assert cache.read("a") is None
    assert "has a damaged file" in only_note(cache)
    cache.write("a", b"code")
    assert cache.read("a") == b"code"


def test_one_flipped_bit(cache: CodeCache) -> None:
    cache.write("a", b"code" * 100)
    path = cache.directory / f"a{SUFFIX}"
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    assert cache.read("a") is None


def test_place_that_cant_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = CodeCache(tmp_path / "file" / "below")
    cache.write("a", b"code")
    assert "can't be written" in only_note(cache)
    assert cache.read("a") is None


def test_name_that_cant_be_replaced(cache: CodeCache) -> None:
    cache.write("b", b"code")
    (cache.directory / f"a{SUFFIX}").mkdir()
    cache.write("a", b"code")
    assert "can't be written" in only_note(cache)
    assert sorted(p.name for p in cache.directory.iterdir()) == ["a" + SUFFIX, "b" + SUFFIX]


def test_oldest_entries_give_way(cache: CodeCache) -> None:
    for n in range(MAX_ENTRIES + 3):
        cache.write(str(n), b"code")
        os.utime(cache.directory / f"{n}{SUFFIX}", ns=(n, n))
    cache.write("newest", b"code")
    kept = {p.name.removesuffix(SUFFIX) for p in cache.directory.iterdir()}
    assert kept == {"newest", *(str(n) for n in range(4, MAX_ENTRIES + 3))}


def test_what_a_killed_process_left_is_swept(cache: CodeCache) -> None:
    cache.write("a", b"code")
    for name, age in ((".0123456789abcdef.tmp", 2 * LEFT_OVER_S), (".1123456789abcdef.tmp", 0)):
        (cache.directory / name).write_bytes(b"half of it")
        os.utime(cache.directory / name, (time.time() - age,) * 2)
    cache.write("b", b"code")
    assert sorted(p.name for p in cache.directory.iterdir()) == [".1123456789abcdef.tmp", f"a{SUFFIX}", f"b{SUFFIX}"]


def test_a_full_disk(cache: CodeCache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write("a", b"code")
    with monkeypatch.context() as patch:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        patch.setattr(code_cache, "_replace", limited(code_cache._replace, limits))
        cache.write("a", b"x" * 100_000)
    assert "can't be written: File too large" in only_note(cache)
    assert cache.read("a") == b"code"
    assert [p.name for p in cache.directory.iterdir()] == [f"a{SUFFIX}"]


def limited(act: Callable[..., None], limits: tuple[int, int]) -> Callable[..., None]:
    """Let the system refuse to write more than a little, as a full disk does; Python ignores the signal for it."""

    def wrapped(*arguments: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            act(*arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    return wrapped


def test_many_writers_and_readers_at_once(cache: CodeCache) -> None:
    """Whoever reads finds nothing or a whole entry, whoever writes last wins, and nothing is left over."""
    contents = [bytes([n]) * 50_000 for n in range(4)]
    found: set[bytes | None] = set()

    def work(own: bytes) -> None:
        mine = CodeCache(cache.directory)
        for _ in range(50):
            mine.write("a", own)
            found.add(mine.read("a"))
        assert mine.notes == []

    with ThreadPoolExecutor(len(contents)) as pool:
        list(pool.map(work, contents))
    assert found <= set(contents)
    assert [p.name for p in cache.directory.iterdir()] == [f"a{SUFFIX}"]


@pytest.mark.attack("A75")
def test_what_lies_in_the_checkout_is_not_used(tmp_path: Path) -> None:
    """However it is written: somebody could have committed native code there."""
    (tmp_path / "link").symlink_to(tmp_path / "checkout")
    for place in (tmp_path / "checkout" / ".cache", tmp_path / "link" / ".cache"):
        trusting = CodeCache(place)
        trusting.write("a", b"code")
        assert trusting.read("a") == b"code"
        wary = CodeCache(place, untrusted=tmp_path / "checkout")
        assert wary.read("a") is None
        wary.write("b", b"code")
        assert [p.name for p in place.iterdir()] == ["a" + SUFFIX]
        assert "it lies in the checkout" in only_note(wary)
    assert CodeCache(tmp_path / "cache", untrusted=tmp_path / "checkout").notes == []
