from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from ledger_bench import ORIGIN
from ledger_conformance import Ledger, StoreConformance
from sql_bench import SqlBench, sqlite_url

from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.ledger.entry import parse_entry

if TYPE_CHECKING:
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.sql.store import SqlStore


class SqlLedger(Ledger):
    cures_nodes = False

    def __init__(self, bench: SqlBench) -> None:
        super().__init__(bench.key, bench.records.author)
        self.bench = bench

    def open(self, wait_s: float = 30.0) -> SqlStore:
        return self.bench.open(wait_s=wait_s)

    def another(self) -> SqlLedger:
        server, key, author = self.bench.server, self.key, self.bench.records.author
        if server is not None:
            return SqlLedger(SqlBench(server.url(server.fresh()), key, author, server))
        return SqlLedger(SqlBench(sqlite_url(Path(self.bench.place + "+")), key, author))

    def replace(self, seq: int, leaf: bytes) -> None:
        """Change the columns as well: otherwise they give the change away."""
        self.bench.attack("UPDATE entries SET leaf = ? WHERE seq = ?", (leaf, seq))
        try:
            entry = parse_entry(leaf, seq, Location("attack"))
        except BspecError:
            return
        columns = (entry.at, entry.kind, entry.record_id, seq)
        self.bench.attack("UPDATE entries SET at = ?, kind = ?, record = ? WHERE seq = ?", columns)

    def cut(self, size: int) -> None:
        self.bench.attack("DELETE FROM entries WHERE seq >= ?", (size,))

    def put_after(self, entry: Entry) -> None:
        row = (entry.seq, entry.at, entry.kind, entry.record_id, "", entry.leaf())
        self.bench.attack("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", row)

    def put_checkpoint(self, note: bytes) -> None:
        self.bench.attack("UPDATE checkpoints SET note = ? WHERE size = (SELECT max(size) FROM checkpoints)", (note,))

    def spoil_nodes(self) -> None:
        """Beside checkpoints, too."""
        self.bench.attack("UPDATE nodes SET hash = ?", (b"\0" * 32,))
        self.bench.spoil_frontiers()


@pytest.fixture
def ledger(bench: SqlBench) -> SqlLedger:
    assert bench.origin == ORIGIN
    return SqlLedger(bench)


class TestSqlStore(StoreConformance):
    pass
