"""A ledger in a Git ref for tests: a bare repository, private copies of it, and what somebody can do who may push."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from ledger_bench import ORIGIN
from ledger_conformance import Ledger

from bspec_opa.ledger.git.repository import CHECKPOINT, segment_name
from bspec_opa.ledger.git.store import GitStore
from bspec_opa.ledger.git.url import parse_git_url

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.keys import PrivateKey

REF = "refs/bspec/ledger"
HERMETIC = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
WHO = {f"GIT_{who}_{what}": "mallory@example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(repository: Path, *arguments: str, data: bytes = b"") -> bytes:
    """Plain git on a repository, as whoever may write it calls it."""
    environ = {"PATH": os.environ["PATH"], **HERMETIC, **WHO}
    command = ["git", "--git-dir", str(repository), *arguments]
    return subprocess.run(command, input=data, check=True, capture_output=True, env=environ).stdout


def make_bare(directory: Path) -> Path:
    directory.mkdir(parents=True)
    git(directory, "init", "--bare", "--quiet", "--template=")
    return directory


def url_of(repository: Path, ref: str = REF) -> str:
    return f"git+file://{repository}#{ref}"


def head_of(repository: Path, ref: str = REF) -> str:
    return git(repository, "rev-parse", ref).decode().strip()


def files_of(repository: Path, commit: str = REF) -> dict[str, bytes]:
    names = git(repository, "ls-tree", "-r", "--name-only", commit).decode().splitlines()
    return {n: git(repository, "show", f"{commit}:{n}") for n in names}


def put(repository: Path, files: dict[str, bytes], parent: str | None = REF) -> str:
    """Move the ref, by force, to a commit with exactly these files."""
    index = {"GIT_INDEX_FILE": str(repository / "attack.index")}
    for name, data in files.items():
        oid = git(repository, "hash-object", "-w", "--stdin", data=data).decode().strip()
        command = ["git", "--git-dir", str(repository), "update-index", "--add", "--cacheinfo", f"100644,{oid},{name}"]
        subprocess.run(command, check=True, env={"PATH": os.environ["PATH"], **HERMETIC, **index})
    command = ["git", "--git-dir", str(repository), "write-tree"]
    environ = {"PATH": os.environ["PATH"], **HERMETIC, **index}
    tree = subprocess.run(command, check=True, capture_output=True, env=environ).stdout.decode().strip()
    (repository / "attack.index").unlink(missing_ok=True)
    parents = ["-p", head_of(repository)] if parent else []
    commit = git(repository, "commit-tree", tree, *parents, "-m", "attack").decode().strip()
    git(repository, "update-ref", REF, commit)
    return commit


def environ_of(directory: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(directory), **HERMETIC}


class GitLedger(Ledger):
    cures_nodes = True

    def __init__(self, directory: Path, key: PrivateKey, author: PrivateKey) -> None:
        super().__init__(key, author)
        self.author = author
        self.directory = directory
        self.remote = make_bare(directory / "remote.git")

    def open(self, wait_s: float = 30.0, clone: str = "gate", first: Path | None = None) -> GitStore:
        """The store of one of several gates; ``first`` is where its programs are looked for first."""
        place = self.directory / clone
        place.mkdir(mode=0o700, exist_ok=True)
        return GitStore(
            parse_git_url(url_of(self.remote)),
            place,
            origin=ORIGIN,
            keys=[self.key.public],
            environ=environ_of(place) | ({"PATH": f"{first}:{os.environ['PATH']}"} if first else {}),
            wait_s=wait_s,
        )

    def another(self) -> GitLedger:
        return GitLedger(self.directory.with_name(self.directory.name + "+"), self.key, self.author)

    def replace(self, seq: int, leaf: bytes) -> None:
        lines = self._lines()
        self._write([*lines[:seq], leaf + b"\n", *lines[seq + 1 :]])

    def cut(self, size: int) -> None:
        self._write(self._lines()[:size])

    def put_after(self, entry: Entry) -> None:
        self._write([*self._lines(), entry.leaf() + b"\n"])

    def put_checkpoint(self, note: bytes) -> None:
        put(self.remote, files_of(self.remote) | {CHECKPOINT: note})

    def spoil_nodes(self) -> None:
        for nodes in self.directory.glob("*/git/*/ledger/nodes"):
            nodes.write_bytes(b"\x00" * nodes.stat().st_size)

    def _lines(self) -> list[bytes]:
        return files_of(self.remote)[segment_name(0)].splitlines(keepends=True)

    def _write(self, lines: list[bytes]) -> None:
        put(self.remote, files_of(self.remote) | {segment_name(0): b"".join(lines)})
