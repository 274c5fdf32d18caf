"""Ledgers in databases for tests: the same things done to SQLite and to PostgreSQL, by a gate and by an attacker."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger_bench import NOW, ORIGIN, Bench

from bspec_opa.ledger.sql.store import SqlStore, open_sql_store
from bspec_opa.ledger.sql.url import SQLITE, parse_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from postgres import Server

    from bspec_opa.ledger.interface import LedgerState, Tip
    from bspec_opa.trust.keys import PrivateKey


class SqlBench:
    """A ledger in a database, with its key and records to put into it.

    Attributes:
        url: the gate's.
        server: PostgreSQL's; None for SQLite.
        name: PostgreSQL's database.
    """

    origin = ORIGIN
    now = NOW

    def __init__(self, url: str, key: PrivateKey, author: PrivateKey, server: Server | None = None) -> None:
        self.url = url
        self.key = key
        self.server = server
        self.records = Bench(Path("nowhere"), key, author)
        self.store = self.open()

    @property
    def place(self) -> str:
        """SQLite's file or PostgreSQL's database."""
        parsed = parse_url(self.url)
        return parsed.path or parsed.database

    def open(self, url: str = "", wait_s: float = 30.0) -> SqlStore:
        return open_sql_store(parse_url(url or self.url), origin=ORIGIN, keys=[self.key.public], wait_s=wait_s)

    def record(self, label: str) -> bytes:
        return self.records.record(label)

    def drafted(self, tip: Tip, *labels: str, at: int = NOW) -> Any:
        return tip.draft(at, [("submit", self.record(x)) for x in labels])

    def add(self, *labels: str, at: int = NOW) -> LedgerState:
        state = self.store.read()
        entries = state.draft(at, [("submit", self.record(x)) for x in labels])
        return state.followed_by(entries, self.store.append(state.tip, entries, self.key))

    def attack(self, statement: str, values: Sequence[object] = ()) -> None:
        """What only somebody can do who owns the database: the triggers are out of the way. Parameters are ``?``."""
        if self.server is None:
            with closing(sqlite3.connect(self.place, isolation_level=None)) as owner:
                triggers = owner.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
                owner.execute("PRAGMA ignore_check_constraints=ON")
                for name, _ in triggers:
                    owner.execute(f"DROP TRIGGER {name}")
                owner.execute(statement, tuple(values))
                for _, sql in triggers:
                    with suppress(sqlite3.OperationalError):  # its table is gone
                        owner.execute(sql)
        else:
            with self.server.boss(self.place) as owner:
                owner.execute("SET session_replication_role = replica")
                owner.execute("SET search_path = bspec_ledger")
                owner.execute(statement.replace("?", "%s"), values)

    def spoil_frontiers(self) -> None:
        """Other hashes in place of the ones beside each checkpoint: as many as there were."""
        zeros = "zeroblob(length(frontier))"
        if self.server is not None:
            zeros = "decode(repeat('00', octet_length(frontier)), 'hex')"
        self.attack(f"UPDATE checkpoints SET frontier = {zeros}")

    def counts(self) -> dict[str, int]:
        """Rows of each table, as the owner sees them."""
        tables = ("entries", "nodes", "checkpoints")
        if self.server is None:
            with closing(sqlite3.connect(self.place)) as owner:
                return {t: owner.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables}
        with self.server.boss(self.place) as boss:
            return {t: _only(boss.execute(f"SELECT count(*) FROM bspec_ledger.{t}")) for t in tables}


def _only(found: Any) -> int:
    (number,) = found.fetchone()
    return int(number)


def sqlite_url(path: Path) -> str:
    return f"{SQLITE}:///{path}"
