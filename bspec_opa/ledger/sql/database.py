"""Connections and transactions of the two databases: what differs between them is here.

Appending runs as ``SERIALIZABLE`` in PostgreSQL and after ``BEGIN IMMEDIATE`` in SQLite, durable at ``COMMIT`` in both
whatever the server's or the file's defaults are (attack A50). A connection serves one reading or one append.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bspec_opa.foundation.errors import Location, UsageError
from bspec_opa.foundation.files import make_directory, write_new
from bspec_opa.ledger.sql.faults import Fault, Kind, commit_fault_of, fault_of, said
from bspec_opa.ledger.sql.reasons import SQL_MISSING, UNSAFE_SQLITE, URL_PASSWORD
from bspec_opa.ledger.sql.url import SQLITE

try:
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    from bspec_opa.ledger.sql.tables import schema_map
except ImportError as e:  # pragma: no cover - the development environment has it
    raise SQL_MISSING.error(f"a ledger in a database needs {e.name}", hint=SQL_MISSING.remedy) from e

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from sqlalchemy import Connection, Engine

    from bspec_opa.ledger.sql.url import DatabaseUrl

SAFE_WAL = (3, 51, 3)
"""The first SQLite whose write-ahead log can't damage a database (attack A49)."""
_SQLITE_BEGIN = "sqlite_begin"


class Database:
    """A ledger's database; nothing is opened yet."""

    def __init__(self, url: DatabaseUrl, *, wait_s: float) -> None:
        """Name a database.

        Args:
            url: where it is.
            wait_s: how long a statement may wait for other processes, in seconds.
        """
        self.url = url
        self.wait_s = wait_s
        self._engine: Engine | None = None

    @property
    def at(self) -> Location:
        """What messages name: never with a password."""
        return Location(self.url.shown)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file."""
        return self.url.dialect == SQLITE

    def is_there(self) -> bool:
        """Whether there is a database to connect to; of PostgreSQL only connecting tells."""
        return not self.is_sqlite or os.path.lexists(self.url.path)

    def make_file(self) -> None:
        """Make an empty file for SQLite where there is none; PostgreSQL's database is its owner's to make.

        Raises:
            StoreError: it can't be made.
        """
        path = Path(self.url.path)
        if self.is_sqlite and not os.path.lexists(path):
            make_directory(path.parent)
            with suppress(UsageError):  # somebody was faster
                write_new(path, b"")

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for some transactions.

        Raises:
            Fault: there is none.
        """
        with self._understood():
            connection = self._opened().connect()
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def reading(self, connection: Connection) -> Iterator[None]:
        """One short transaction that sees the ledger at one moment.

        Raises:
            Fault: the database refuses it or is gone.
        """
        with self._understood(), connection.begin():
            if not self.is_sqlite:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                self._bound(connection)
            yield

    @contextmanager
    def writing(self, connection: Connection) -> Iterator[None]:
        """One transaction that is durable when this ends without a fault.

        Raises:
            Fault: nothing was committed, unless its kind is :attr:`Kind.UNKNOWN`.
        """
        connection.execution_options(**{_SQLITE_BEGIN: "BEGIN IMMEDIATE"})
        with self._understood():
            transaction = connection.begin()
            try:
                if not self.is_sqlite:
                    self._bound(connection)
                yield
            except BaseException:  # an interrupt, too, must not leave the transaction open
                self._roll_back(transaction)
                raise
        try:
            transaction.commit()
        except DBAPIError as e:
            self._roll_back(transaction)
            raise commit_fault_of(e) from e

    @staticmethod
    def _roll_back(transaction: Any) -> None:
        """Roll back; a connection that is gone has been rolled back by the server."""
        try:
            transaction.rollback()
        except DBAPIError:
            transaction.connection.invalidate()

    def _bound(self, connection: Connection) -> None:
        """Bounds on waiting, and durability, for this transaction, whatever the server's defaults are."""
        wait = f"{max(1, int(self.wait_s * 1000))}"
        connection.exec_driver_sql(
            "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true),"
            " set_config('idle_in_transaction_session_timeout', '60000', true),"
            " set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
            " WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)",
            (wait, wait),
        )

    @contextmanager
    def _understood(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as e:
            raise fault_of(e) from e

    def _opened(self) -> Engine:
        if self._engine is None:
            self._engine = self._sqlite_engine() if self.is_sqlite else self._postgresql_engine()
        return self._engine

    def _sqlite_engine(self) -> Engine:
        engine = create_engine(
            "sqlite://",
            creator=self._connect_sqlite,
            poolclass=NullPool,
            hide_parameters=True,
            execution_options={"schema_translate_map": schema_map(SQLITE)},
        )

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql(connection.get_execution_options().get(_SQLITE_BEGIN, "BEGIN"))

        return engine

    def _connect_sqlite(self) -> sqlite3.Connection:
        self._require_safe()
        connection = self._sqlite("rw")
        # EXTRA is FULL, and the directory is flushed after the journal's removal.
        for pragma in ("synchronous=EXTRA", "trusted_schema=OFF", "cell_size_check=ON"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _sqlite(self, mode: str) -> sqlite3.Connection:
        location = f"file:{quote(str(Path(self.url.path).absolute()))}?mode={mode}"
        return sqlite3.connect(location, uri=True, timeout=self.wait_s, isolation_level=None)

    def _require_safe(self) -> None:
        """Refuse what is no file, and a file that this SQLite could damage.

        The file is opened by SQLite alone: closing it ourselves would release the locks of every connection that this
        process has to it (POSIX). Opened for reading, it is asked for its mode before anything may be written.
        """
        if not stat.S_ISREG(os.lstat(self.url.path).st_mode):
            raise Fault(Kind.UNREACHABLE, "is no regular file")
        if sqlite3.sqlite_version_info >= SAFE_WAL:
            return
        with closing(self._sqlite("ro")) as probe:
            try:
                (mode,) = probe.execute("PRAGMA journal_mode").fetchone()
            except sqlite3.OperationalError as e:
                # A killed writer's rollback journal, which only a writing connection can roll back: no write-ahead log.
                if e.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
                    raise
                return
        if mode == "wal":
            raise UNSAFE_SQLITE.error(
                f"the file has a write-ahead log, which SQLite {sqlite3.sqlite_version} can damage",
                hint=UNSAFE_SQLITE.remedy,
                at=self.at,
            )

    def _postgresql_engine(self) -> Engine:
        _require_psycopg()
        return create_engine(
            "postgresql+psycopg://",
            creator=self._connect_postgresql,
            poolclass=NullPool,
            hide_parameters=True,
            isolation_level="SERIALIZABLE",
            use_native_hstore=False,
        )

    def _connect_postgresql(self) -> psycopg.Connection[Any]:
        import psycopg
        from psycopg.conninfo import make_conninfo

        _hear_psycopg_out()
        try:
            return psycopg.connect(make_conninfo(**self.conninfo()), prepare_threshold=None)
        except psycopg.Error as e:
            raise Fault(Kind.UNREACHABLE, self._without_password(said(e))) from e

    def conninfo(self) -> dict[str, str]:
        """How libpq connects; what the URL leaves out is libpq's to know, such as a password in a file.

        Raises:
            UsageError: a password would be sent where the checkout says.
        """
        url = self.url
        if url.from_checkout and os.environ.get("PGPASSWORD"):
            raise URL_PASSWORD.error(
                "PGPASSWORD would be sent to the host that the checkout names",
                hint="use a password file, which names its host, or set BSPEC_OPA_LEDGER_URL",
                at=self.at,
            )
        wanted = {"host": url.host, "port": str(url.port or ""), "user": url.user, "password": url.password}
        wanted |= {"dbname": url.database, "application_name": "bspec-opa"}
        if url.is_remote:
            wanted |= {"sslmode": "verify-full", "sslrootcert": os.environ.get("PGSSLROOTCERT", "system")}
        wanted |= {"connect_timeout": str(max(2, int(self.wait_s))), **url.options}
        if wanted.get("sslrootcert") == "system" and wanted["sslmode"] != "verify-full":
            del wanted["sslrootcert"]
        return {name: value for name, value in wanted.items() if value}

    def _without_password(self, text: str) -> str:
        return text.replace(self.url.password, "…") if self.url.password else text


def _hear_psycopg_out() -> None:
    """What it remarks on a connection that is lost is for whoever listens to its logger, and for nobody's terminal.

    The errors that it raises say the same, and are told once.
    """
    logger = logging.getLogger("psycopg")
    if not any(isinstance(h, logging.NullHandler) for h in logger.handlers):
        logger.addHandler(logging.NullHandler())


def _require_psycopg() -> None:
    try:
        import psycopg
    except ImportError as e:
        raise SQL_MISSING.error(f"a ledger in PostgreSQL needs {e.name}", hint=SQL_MISSING.remedy) from e
    del psycopg
