"""What becomes current, and what doesn't."""

from __future__ import annotations

import asyncio
import gzip
import io
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
from bundle_server import NAME, edition, put, revision

from bspec_opa.bundle.reasons import NOT_ACCEPTED
from bspec_opa.bundle.serving.candidates import Candidates
from bspec_opa.bundle.serving.edition import Shelf, accept_all, edition_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bspec_opa.bundle.read import Bundle
    from bspec_opa.bundle.serving.log import Event


class Bench:
    """A shelf with one file or one directory."""

    def __init__(self, named: dict[str, Path], directory: Path | None = None, check: Any = accept_all) -> None:
        self.events: list[Event] = []
        self.shelf = Shelf(named)
        self.candidates = Candidates(self.shelf, named, directory, check=check, log=self.events.append)

    def look(self) -> list[tuple[str, str, str]]:
        """Kinds, names and reasons of what has happened now."""
        self.events.clear()
        asyncio.run(self.candidates.look())
        return [(e.kind, e.bundle, e.code) for e in self.events]

    def current(self, name: str = NAME) -> str | None:
        current = self.shelf.current(name)
        return current.revision if current else None


def delta() -> bytes:
    """A delta bundle as OPA knows it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        data = b'{"data":[{"op":"remove","path":"/bspec/org/forbidden"}]}'
        member = tarfile.TarInfo("patch.json")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return stream.getvalue()


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "bundle.bad-archive"),
    "half": (lambda: edition(1)[: len(edition(1)) // 2], "bundle.bad-archive"),
    "all but a byte": (lambda: edition(1)[:-1], "bundle.bad-archive"),
    "a byte more": (lambda: edition(1) + b"\0", "bundle.bad-archive"),
    "one bit": (
        lambda: edition(1)[:40_000] + bytes([edition(1)[40_000] ^ 1]) + edition(1)[40_001:],
        "bundle.bad-archive",
    ),
    "no archive": (lambda: b"<html>404</html>", "bundle.bad-archive"),
    "something else's": (lambda: gzip.compress(bytes(1024)), "bundle.no-rules"),
    "delta": (delta, "bundle.delta"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_candidate_is_refused_once_and_the_old_one_stays(tmp_path: Path, case: str) -> None:
    make, code = BAD[case]
    file = tmp_path / "x.tar.gz"
    put(file, edition(0))
    bench = Bench({NAME: file})
    assert bench.look() == [("switched", NAME, "")]
    put(file, make())
    assert bench.look() == [("refused", NAME, code)]
    (event,) = bench.events
    assert (event.revision, event.file) == (revision(0), str(file))
    assert event.message
    assert bench.look() == []
    assert bench.current() == revision(0)
    put(file, edition(0))
    assert bench.look() == []  # it is the current one again
    put(file, edition(1))
    assert bench.look() == [("switched", NAME, "")]
    (event,) = bench.events
    assert (event.before, event.revision, bench.current()) == (revision(0), revision(1), revision(1))


def test_a_file_that_vanishes_leaves_the_last_good_one(tmp_path: Path) -> None:
    file = tmp_path / "x.tar.gz"
    bench = Bench({NAME: file})
    assert bench.look() == [("unreadable", NAME, "file.unreadable")]
    assert bench.look() == []  # said once
    assert (bench.current(), bench.shelf.ready) == (None, False)
    put(file, edition(0))
    assert bench.look() == [("switched", NAME, "")]
    file.unlink()
    assert bench.look() == [("unreadable", NAME, "file.unreadable")]
    assert (bench.current(), bench.shelf.ready) == (revision(0), True)
    put(file, edition(0))
    assert bench.look() == []


def test_a_file_written_in_place_is_served_when_it_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "x.tar.gz"
    put(file, edition(0))
    bench = Bench({NAME: file})
    bench.look()
    with file.open("wb") as stream:
        stream.write(edition(1)[:1000])
        stream.flush()
        assert bench.look() == [("refused", NAME, "bundle.bad-archive")]
        stream.write(edition(1)[1000:])
    assert bench.look() == [("switched", NAME, "")]
    assert bench.current() == revision(1)


def test_whoever_serves_may_demand_more(tmp_path: Path) -> None:
    """The check sees the bundle and its bytes, and its reason is told."""

    def check(bundle: Bundle, archive: bytes) -> None:
        assert edition_of(archive, "x", 0).revision == bundle.revision
        if bundle.organisation["name"] != "acme-0":
            raise NOT_ACCEPTED.error("not ours")

    file = tmp_path / "x.tar.gz"
    put(file, edition(1))
    bench = Bench({NAME: file}, check=check)
    assert bench.look() == [("refused", NAME, "bundle.not-accepted")]
    put(file, edition(0))
    assert bench.look() == [("switched", NAME, "")]
    put(file, edition(2))
    assert bench.look() == [("refused", NAME, "bundle.not-accepted")]
    assert bench.current() == revision(0)


def test_a_bug_in_a_check_keeps_what_was_there_and_the_server_up(tmp_path: Path) -> None:
    def check(bundle: Bundle, _: bytes) -> None:
        if bundle.organisation["name"] == "acme-1":
            raise ZeroDivisionError("oh")

    files = {name: tmp_path / name for name in ("a", "b")}
    for file in files.values():
        put(file, edition(0))
    bench = Bench(files, check=check)
    assert bench.look() == [("switched", "a", ""), ("switched", "b", "")]
    put(files["a"], edition(1))
    put(files["b"], edition(2))
    assert bench.look() == [("failed", "a", ""), ("switched", "b", "")]
    assert bench.events[0].message == "ZeroDivisionError: oh"
    assert (bench.current("a"), bench.current("b")) == (revision(0), revision(2))


def test_a_directory_is_looked_through_again_and_again(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    bench = Bench({}, top)
    assert bench.look() == []
    assert not bench.shelf.ready  # nothing is no success
    put(top / "acme" / "staging.tar.gz", edition(0))
    assert bench.look() == [("switched", "acme/staging", "")]
    assert bench.shelf.ready
    put(top / "acme" / "production.tar.gz", b"x")
    put(top / "Acme.tar.gz", b"x")
    assert bench.look() == [("ignored", "", ""), ("refused", "acme/production", "bundle.bad-archive")]
    assert (bench.look(), bench.shelf.ready) == ([], False)
    (top / "acme" / "production.tar.gz").unlink()  # never served: taken back
    assert (bench.look(), bench.shelf.ready) == ([], True)
    (top / "acme" / "staging.tar.gz").unlink()  # served: kept
    assert bench.look() == [("unreadable", "acme/staging", "file.unreadable")]
    assert bench.current("acme/staging") == revision(0)
    put(top / "acme" / "staging.tar.gz", edition(1))
    assert bench.look() == [("switched", "acme/staging", "")]


def test_a_named_file_goes_before_the_directory(tmp_path: Path) -> None:
    put(tmp_path / "named", edition(0))
    put(tmp_path / "top" / "acme" / "production.tar.gz", edition(1))
    bench = Bench({NAME: tmp_path / "named"}, tmp_path / "top")
    assert bench.look() == [("switched", NAME, "")]
    assert bench.current() == revision(0)


@pytest.mark.attack("A70")
def test_a_link_that_is_turned_out_of_the_directory_later_is_not_followed(tmp_path: Path) -> None:
    top, outside = tmp_path / "top", tmp_path / "outside.tar.gz"
    put(outside, edition(2))
    put(top / "first.tar.gz", edition(1))
    link = top / f"{NAME}.tar.gz"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(top / "first.tar.gz")
    bench = Bench({}, top)
    bench.look()
    assert bench.current() == revision(1)
    link.unlink()
    link.symlink_to(outside)
    assert bench.look() == [("ignored", "", "")]
    assert bench.current() == revision(1), "what was current stays"
    link.unlink()
    put(link, edition(3))
    assert bench.look() == [("switched", NAME, "")]
