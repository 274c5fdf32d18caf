from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ledger_bench import ORIGIN
from ledger_conformance import Ledger, StoreConformance

from bspec_opa.ledger.file_store import FileStore

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.keys import PrivateKey


class FileLedger(Ledger):
    cures_nodes = True

    def __init__(self, directory: Path, key: PrivateKey, author: PrivateKey) -> None:
        super().__init__(key, author)
        self.author = author
        self.directory = directory

    def open(self, wait_s: float = 30.0) -> FileStore:
        return FileStore(self.directory, origin=ORIGIN, keys=[self.key.public], wait_s=wait_s)

    def another(self) -> FileLedger:
        return FileLedger(self.directory.with_name(self.directory.name + "+"), self.key, self.author)

    def replace(self, seq: int, leaf: bytes) -> None:
        lines = self._lines()
        self._write([*lines[:seq], leaf + b"\n", *lines[seq + 1 :]])

    def cut(self, size: int) -> None:
        self._write(self._lines()[:size])

    def put_after(self, entry: Entry) -> None:
        self._write([*self._lines(), entry.leaf() + b"\n"])

    def put_checkpoint(self, note: bytes) -> None:
        (self.directory / "checkpoint").write_bytes(note)

    def spoil_nodes(self) -> None:
        nodes = self.directory / "nodes"
        nodes.write_bytes(b"\x00" * nodes.stat().st_size)

    def _lines(self) -> list[bytes]:
        return (self.directory / "log.jsonl").read_bytes().splitlines(keepends=True)

    def _write(self, lines: list[bytes]) -> None:
        (self.directory / "log.jsonl").write_bytes(b"".join(lines))


@pytest.fixture
def ledger(tmp_path: Path, ledger_key: PrivateKey, other_key: PrivateKey) -> FileLedger:
    return FileLedger(tmp_path / "ledger", ledger_key, other_key)


class TestFileStore(StoreConformance):
    pass
