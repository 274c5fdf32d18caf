"""What only PostgreSQL has: roles, connections that are lost, servers that crash."""

from __future__ import annotations

import logging
import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest
from postgres_relay import Relay

from bspec_opa.foundation.errors import BspecError, ExitCode, StoreError
from bspec_opa.ledger.sql.faults import said
from bspec_opa.ledger.sql.tables import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from postgres import Server
    from sql_bench import SqlBench
    from sqlalchemy import Connection

    from bspec_opa.trust.keys import PrivateKey, PublicKey

TABLES = ("entries", "nodes", "checkpoints")


@pytest.fixture
def ledger(make_postgresql: Callable[[], SqlBench]) -> SqlBench:
    return make_postgresql()


@pytest.fixture
def relay(ledger: SqlBench, postgres: Server) -> Iterator[Relay]:
    with tempfile.TemporaryDirectory(prefix="bspec-relay-") as directory:
        found = Relay(Path(directory), postgres.directory)
        yield found
        found.stop()


def as_user(server: Server, database: str, user: str, statement: str) -> str:
    """The SQLSTATE with which a statement is refused; empty if it isn't."""
    with psycopg.connect(host=str(server.directory), user=user, dbname=database) as connection:
        try:
            connection.execute(statement)
        except psycopg.Error as e:
            return e.sqlstate or said(e)
    return ""


def refused(call: Callable[[], object], code: str) -> str:
    with pytest.raises(BspecError) as caught:
        call()
    assert caught.value.code == code, str(caught.value)
    return str(caught.value)


# Rights


@pytest.mark.attack("A46")
@pytest.mark.parametrize("table", TABLES)
def test_a_writer_only_inserts_and_a_reader_only_reads(ledger: SqlBench, postgres: Server, table: str) -> None:
    ledger.add("a")
    name = f"{SCHEMA}.{table}"
    column = {"entries": "at", "nodes": "place", "checkpoints": "size"}[table]
    changes = (f"UPDATE {name} SET {column} = 7", f"DELETE FROM {name}", f"TRUNCATE {name}", f"DROP TABLE {name}")
    insert = f"INSERT INTO {name} SELECT * FROM {name} WHERE false"
    refusals = {
        user: [as_user(postgres, ledger.place, user, s) for s in (*changes, insert, f"SELECT * FROM {name}")]
        for user in ("gate", "auditor", "stranger")
    }
    denied = "42501"
    assert refusals == {
        "gate": [denied] * 4 + ["", ""],
        "auditor": [denied] * 5 + [""],
        "stranger": [denied] * 6,
    }
    assert as_user(postgres, ledger.place, "gate", f"CREATE TABLE {SCHEMA}.more ()") == denied
    assert as_user(postgres, ledger.place, "gate", f"ALTER TABLE {name} DISABLE TRIGGER ALL") == denied


@pytest.mark.parametrize("table", TABLES)
def test_not_even_the_owner_changes_a_row_by_mistake(ledger: SqlBench, postgres: Server, table: str) -> None:
    name = f"{SCHEMA}.{table}"
    ledger.add("a")
    for statement in (f"DELETE FROM {name}", f"TRUNCATE {name}"):
        assert as_user(postgres, ledger.place, "boss", statement) == "42501"
    assert ledger.store.read().size == 1


def test_an_auditor_reads_and_may_not_append(ledger: SqlBench, postgres: Server) -> None:
    state = ledger.add("a")
    reader = ledger.open(postgres.url(ledger.place, "auditor"))
    assert reader.read() == state
    message = refused(lambda: reader.append(state.tip, ledger.drafted(state.tip, "b"), ledger.key), REFUSED)
    assert "permission denied" in message
    assert "permission denied" in refused(ledger.open(postgres.url(ledger.place, "stranger")).read, REFUSED)
    assert ledger.store.read() == state


REFUSED = "ledger.database-refused"


def test_a_database_without_tables_says_who_makes_them(ledger: SqlBench, postgres: Server) -> None:
    name = postgres.copy("template0")
    gate, owner = ledger.open(postgres.url(name)), ledger.open(postgres.url(name, "boss"))
    assert "no ledger's tables" in refused(gate.read, "ledger.not-initialised")
    refused(lambda: gate.append(ledger.store.tip(), (), ledger.key), "ledger.not-initialised")
    assert "permission denied" in refused(gate.initialise, REFUSED)
    assert (owner.initialise(), owner.initialise()) == (True, False)
    assert gate.read().size == 0


# Getting there


@pytest.mark.attack("A71")
def test_a_password_is_used_and_never_shown(
    ledger: SqlBench, postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.add("a")
    host = quote(str(postgres.directory), safe="")
    right, wrong = (f"postgresql://locked:{p}@/{ledger.place}?host={host}" for p in ("sesame", "wrong-secret"))
    assert ledger.open(right).read().size == 1
    message = refused(ledger.open(wrong).read, "ledger.unreachable")
    assert "password authentication failed" in message
    assert "wrong-secret" not in message
    assert "wrong-secret" not in repr(ledger.open(wrong).database.url)
    passfile = tmp_path / "pgpass"
    passfile.write_text(f"localhost:*:*:locked:sesame\n{postgres.directory}:*:*:locked:sesame\n", encoding="utf-8")
    passfile.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passfile))
    assert ledger.open(postgres.url(ledger.place, "locked")).read().size == 1


def test_nobody_waits_for_a_server_that_is_not_there(ledger: SqlBench, tmp_path: Path) -> None:
    store = ledger.open(f"postgresql://gate@/x?host={quote(str(tmp_path), safe='')}", wait_s=30)
    message = refused(store.read, "ledger.unreachable")
    assert message.startswith("postgresql://gate@%2F")
    assert "No such file" in message
    with pytest.raises(StoreError) as caught:
        ledger.open(ledger.url.replace(ledger.place, "nowhere")).read()
    assert caught.value.exit_code == ExitCode.STORE


# Waiting, and losing the connection


@pytest.mark.attack("A56")
def test_waiting_for_a_writer_that_does_not_end_is_bounded(ledger: SqlBench, postgres: Server) -> None:
    tip = ledger.add("a").tip
    with postgres.boss(ledger.place) as other, other.transaction():
        other.execute(f"INSERT INTO {SCHEMA}.nodes VALUES (0, 1, sha256('x'))")
        impatient = ledger.open(wait_s=0.05)
        message = refused(lambda: impatient.append(tip, ledger.drafted(tip, "b"), ledger.key), "ledger.busy")
        assert "others were in the way" in message
        raise psycopg.Rollback
    assert ledger.add("b").size == 2


class Acting:
    """The ledger's key; as it signs, something happens, once."""

    def __init__(self, key: PrivateKey, action: Callable[[], object]) -> None:
        self._key, self._action = key, action
        self.signed = 0

    @property
    def public(self) -> PublicKey:
        return self._key.public

    def sign(self, message: bytes) -> bytes:
        self.signed += 1
        if self.signed == 1:
            self._action()
        return self._key.sign(message)


def kill_sessions(server: Server, database: str) -> None:
    with server.boss("postgres") as boss:
        boss.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database,))


def crash(server: Server) -> None:
    server.stop(signal.SIGQUIT)
    server.start()


@pytest.mark.attack("A47")
@pytest.mark.parametrize("what", ["session", "server"])
def test_a_session_or_server_that_dies_during_an_append_is_met_by_another_try(
    ledger: SqlBench, postgres: Server, what: str
) -> None:
    tip = ledger.add("a").tip
    kills: dict[str, Callable[[], Any]] = {
        "session": lambda: kill_sessions(postgres, ledger.place),
        "server": lambda: crash(postgres),
    }
    signer = Acting(ledger.key, kills[what])
    after = ledger.store.append(tip, ledger.drafted(tip, "b", "c"), signer)
    assert signer.signed == 2
    assert ledger.store.read().tip == after
    assert ledger.counts() == {"entries": 3, "nodes": 4, "checkpoints": 2}


@pytest.mark.attack("A47")
@pytest.mark.parametrize(("cut", "signed"), [("before", 2), ("after", 1)])
def test_a_connection_lost_around_commit_is_decided_by_what_is_there(
    ledger: SqlBench, relay: Relay, cut: str, signed: int
) -> None:
    tip = ledger.add("a").tip
    store = ledger.open(relay.url(ledger.place))
    relay.cut = cut
    signer = Acting(ledger.key, lambda: None)
    after = store.append(tip, ledger.drafted(tip, "b"), signer)
    assert signer.signed == signed
    assert ledger.store.read().tip == after
    assert ledger.store.read().size == 2


def test_what_the_library_remarks_on_a_lost_connection_is_not_printed(ledger: SqlBench) -> None:
    """Without a handler of its own, Python prints a library's warnings on a person's terminal."""
    ledger.store.read()
    assert any(isinstance(h, logging.NullHandler) for h in logging.getLogger("psycopg").handlers)


@pytest.mark.attack("A47")
def test_an_append_whose_answer_was_lost_is_found_behind_what_others_added(ledger: SqlBench, relay: Relay) -> None:
    tip = ledger.add("a").tip
    store = ledger.open(relay.url(ledger.place))
    relay.cut = "after"
    relay.on_cut = lambda: ledger.add("theirs")
    after = store.append(tip, ledger.drafted(tip, "ours"), ledger.key)
    state = ledger.store.read()
    assert (after.size, state.size) == (2, 3)
    assert state.root_at(2) == after.root_hash
    assert after.checkpoint is not None
    after.checkpoint.verify(ledger.origin, [ledger.key.public], "checkpoint")
    assert after.last_at == ledger.now


@pytest.mark.parametrize(("cut", "size"), [("before", 1), ("after", 2)])
def test_an_outcome_that_nobody_can_tell_is_said_to_be_unknown(
    ledger: SqlBench, relay: Relay, cut: str, size: int
) -> None:
    tip = ledger.add("a").tip
    store = ledger.open(relay.url(ledger.place), wait_s=0.3)
    relay.cut, relay.close_after_cut = cut, True
    message = refused(lambda: store.append(tip, ledger.drafted(tip, "b"), ledger.key), "ledger.outcome-unknown")
    assert "lost at COMMIT" in message
    assert ledger.store.read().size == size
    # The caller runs again: what was recorded is not recorded twice.
    relay.closed = False
    again = store.read()
    assert again.size == size
    if size == 1:
        assert store.append(again.tip, ledger.drafted(again.tip, "b"), ledger.key).size == 2


@pytest.mark.attack("A50")
def test_commits_are_durable_whatever_the_servers_default_is(ledger: SqlBench, postgres: Server) -> None:
    """``synchronous_commit = off`` may lose what was acknowledged."""
    settings: list[str] = []
    with postgres.boss("postgres") as boss:
        boss.execute(f"ALTER DATABASE {ledger.place} SET synchronous_commit = off")
        boss.execute(f"ALTER DATABASE {ledger.place} SET default_transaction_isolation = 'read committed'")
    database = ledger.store.database
    with database.connection() as connection, database.writing(connection):
        settings += [show(connection, name) for name in ("synchronous_commit", "transaction_isolation")]
    with database.connection() as connection, database.reading(connection):
        settings += [show(connection, name) for name in ("transaction_isolation", "transaction_read_only")]
    assert settings == ["on", "serializable", "repeatable read", "on"]


def show(connection: Connection, name: str) -> str:
    return str(connection.exec_driver_sql(f"SHOW {name}").scalar_one())


def test_the_server_does_not_run_as_root(postgres: Server) -> None:
    pid = int((postgres.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
    assert Path(f"/proc/{pid}").stat().st_uid == (os.geteuid() or postgres.data.stat().st_uid)
    assert postgres.data.stat().st_uid != 0
