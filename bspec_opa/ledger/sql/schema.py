"""Making a ledger's tables from the scripts beside this module."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from sqlalchemy import select

from bspec_opa.ledger.sql.ddl import read_ddl
from bspec_opa.ledger.sql.tables import METADATA, SCHEMA
from bspec_opa.ledger.sql.url import POSTGRESQL, SQLITE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


def has_tables(connection: Connection) -> bool:
    """Whether the last table that a script makes is there."""
    if connection.dialect.name == SQLITE:
        found = connection.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'checkpoints'")
    else:
        found = connection.exec_driver_sql(f"SELECT 1 WHERE to_regclass('{SCHEMA}.checkpoints') IS NOT NULL")
    return found.first() is not None


def require_columns(connection: Connection) -> None:
    """Ask for every column of every table, and for no row; a database that lacks one says so."""
    for table in METADATA.sorted_tables:
        connection.execute(select(table).limit(0))


def make_tables(connection: Connection) -> None:
    """Run the script of the database, in the transaction that is open."""
    if connection.dialect.name == SQLITE:
        for statement in statements(read_ddl(SQLITE)):
            connection.exec_driver_sql(statement)
    else:
        # Without parameters PostgreSQL takes the whole script at once, and % means itself.
        connection.exec_driver_sql(read_ddl(POSTGRESQL), execution_options={"no_parameters": True})


def statements(script: str) -> Iterator[str]:
    """The statements of a SQLite script; a trigger's body has semicolons of its own."""
    found = ""
    for line in script.splitlines(keepends=True):
        found += line
        if sqlite3.complete_statement(found):
            yield found
            found = ""
