"""The files of a ledger in a ref: what the ref holds, a commit on top of it, and a push that only goes forward.

A commit's tree has ``checkpoint`` and ``log/<n>.jsonl`` with 64 entries each, so that an append writes the last of
them and not the whole log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.ledger.git.reasons import GIT_FAILED, GIT_LAYOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bspec_opa.ledger.git.program import Git, Said

SEGMENT = 64
"""Entries in a file of the log."""
CHECKPOINT = "checkpoint"
MAX_BYTES = 256 * 1024 * 1024
_SEEN, _NEXT = "refs/bspec/seen", "refs/bspec/next"
_OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_LOG = "log"
_LOG_ROW = re.compile(rf"040000 tree [0-9a-f]{{40,64}} +-\t{_LOG}\Z")
_ROW = re.compile(r"100644 blob ([0-9a-f]{40,64}) +([0-9]{1,12})\t(.+)\Z", re.DOTALL)
_NOT_THERE = 2
_AUTHOR = "bspec-opa <bspec-opa@localhost>"
_STALE = ("shallow.lock", "packed-refs.lock", "config.lock", "HEAD.lock", f"{_SEEN}.lock", f"{_NEXT}.lock")


def segment_name(number: int) -> str:
    """The file of the log with entries ``64 n`` to ``64 n + 63``."""
    return f"{_LOG}/{number:09d}.jsonl"


@dataclass(frozen=True, slots=True)
class Files:
    """What a commit holds: the whole log, and the checkpoint if there is one."""

    log: bytes
    checkpoint: bytes | None


@dataclass(frozen=True, slots=True)
class Repository:
    """The private bare repository, and the ref elsewhere that it is about; whoever uses it holds its lock."""

    git: Git

    def prepare(self) -> None:
        """Make it where it isn't there, and remove the locks that a killed git has left in it."""
        directory = self.git.directory
        for name in _STALE:
            (directory / name).unlink(missing_ok=True)
        if not (directory / "prepared").exists():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.git.done("init", "--bare", "--quiet", "--template=")
            (directory / "prepared").touch()

    def head(self) -> str | None:
        """The commit that the ref is on; None if there is no such ref.

        Raises:
            StoreError: the repository can't be reached.
        """
        git = self.git
        said = git.call("ls-remote", "--exit-code", *git.serving("upload-pack"), git.url.address, git.url.ref)
        if said.code == _NOT_THERE:
            return None
        if said.code:
            raise GIT_FAILED.error(f"git ls-remote: {said.message}", at=git.at)
        found = [line.split("\t") for line in said.out.decode("ascii", "replace").splitlines()]
        oids = [row[0] for row in found if row[1:] == [git.url.ref]]
        if not oids:  # only refs whose names end so
            return None
        if len(oids) != 1 or not _OID.match(oids[0]):
            raise GIT_FAILED.error("git ls-remote gave an answer of another form", at=git.at)
        return oids[0]

    def fetch(self) -> str:
        """Get what the ref is on now; returns the commit.

        Raises:
            StoreError: it can't be got.
        """
        git = self.git
        options = ("--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--force")
        refs = f"+{git.url.ref}:{_SEEN}"
        git.done("fetch", *options, *git.serving("upload-pack"), git.url.address, refs)
        return git.done("rev-parse", "--verify", f"{_SEEN}^{{commit}}").decode().strip()

    def files(self, commit: str) -> Files:
        """What a commit that was fetched holds.

        Raises:
            TrustError: something that no ledger has, or more than a ledger in Git may hold.
        """
        blobs = self._blobs(commit)
        checkpoint = blobs.pop(CHECKPOINT, None)
        names = [segment_name(n) for n in range(len(blobs))]
        if sorted(blobs) != names:
            other = next((n for n in sorted(blobs) if n not in names), "its log has a gap")
            raise GIT_LAYOUT.error(f"holds what no ledger has: {other[:80]!r}", at=self.git.at)
        found = self._read([blobs[n] for n in names] + ([checkpoint] if checkpoint else []))
        return Files(b"".join(found[: len(names)]), found[-1] if checkpoint else None)

    def commit(self, parent: str | None, files: Mapping[str, bytes], at: int, message: str) -> str:
        """A commit with some files changed, in the private repository alone."""
        parts = [
            b"" if parent else f"reset {_NEXT}\n\n".encode(),
            f"commit {_NEXT}\nmark :1\ncommitter {_AUTHOR} {at} +0000\n".encode(),
            _data(message.encode()),
            f"from {parent}\n".encode() if parent else b"",
            *(f"M 100644 inline {name}\n".encode() + _data(data) for name, data in files.items()),
            b"\nget-mark :1\ndone\n",
        ]
        out = self.git.done("fast-import", "--quiet", "--force", "--done", data=b"".join(parts)).decode().strip()
        if not _OID.match(out):
            raise GIT_FAILED.error("git fast-import gave an answer of another form", at=self.git.at)
        return out

    def push(self, commit: str) -> Said:
        """Move the ref forward to a commit, if it still is on that commit's parent: the server compares and sets.

        Never forced. What the answer means is found by asking again: a push may have counted although it failed.
        """
        git = self.git
        options = ("--quiet", "--porcelain", "--no-verify", *git.serving("receive-pack"))
        said = git.call("push", *options, git.url.address, f"{commit}:{git.url.ref}")
        why = [line.rpartition(b"\t")[2] for line in said.out.splitlines() if line.startswith(b"!")]
        return said._replace(message="; ".join([*(w.decode("utf-8", "replace") for w in why), said.message]))

    def _blobs(self, commit: str) -> dict[str, str]:
        """Level by level: a recursive listing of trees within trees may be of any length."""
        top = self._rows(commit)
        below = self._rows(f"{commit}:{_LOG}") if any(_LOG_ROW.match(row) for row in top) else []
        rows = [*(r for r in top if not _LOG_ROW.match(r)), *(_below(r) for r in below)]
        blobs, size = dict[str, str](), 0
        for row in rows:
            match = _ROW.match(row)
            if match is None:
                raise GIT_LAYOUT.error(f"holds what no ledger has: {row[-80:]!r}", at=self.git.at)
            blobs[match[3]] = match[1]
            size += int(match[2])
        if size > MAX_BYTES:
            raise GIT_LAYOUT.error(f"holds {size} bytes; a ledger in Git holds {MAX_BYTES}", at=self.git.at)
        return blobs

    def _rows(self, tree: str) -> list[str]:
        out = self.git.done("ls-tree", "-l", "-z", "--full-tree", tree)
        return out.decode("utf-8", "replace").split("\0")[:-1]

    def _read(self, oids: Iterable[str]) -> list[bytes]:
        """The blobs, in this order."""
        wanted = list(oids)
        out = self.git.done("cat-file", "--batch", data="".join(f"{o}\n" for o in wanted).encode())
        found, place = [], 0
        for oid in wanted:
            head, _, _ = out[place : place + 200].partition(b"\n")
            name, kind, size = [*head.decode("ascii", "replace").split(" "), "", ""][:3]
            if (name, kind) != (oid, "blob") or not size.isdecimal():
                raise GIT_FAILED.error("git cat-file gave an answer of another form", at=self.git.at)
            start = place + len(head) + 1
            place = start + int(size) + 1
            found.append(out[start : place - 1])
        return found


def _below(row: str) -> str:
    """A row of the log's own tree, named from the top."""
    said, tab, name = row.partition("\t")
    return f"{said}{tab}{_LOG}/{name}"


def _data(data: bytes) -> bytes:
    """As ``git fast-import`` reads it."""
    return b"data %d\n%s\n" % (len(data), data)
