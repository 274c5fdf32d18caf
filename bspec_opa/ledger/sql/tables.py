"""The tables as statements name them; the DDL beside this module makes them, and a test holds the two together."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text

from bspec_opa.ledger.sql.url import POSTGRESQL

SCHEMA = "bspec_ledger"
"""Of PostgreSQL. It stands in every statement, so that no search path leads elsewhere."""

METADATA = MetaData(schema=SCHEMA)
ENTRIES = Table(
    "entries",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("record", Text, nullable=False, unique=True),
    Column("agent", Text, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
)
NODES = Table(
    "nodes",
    METADATA,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)
CHECKPOINTS = Table(
    "checkpoints",
    METADATA,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("edition", Integer, primary_key=True, autoincrement=False),
)


def schema_map(dialect: str) -> dict[str | None, str | None]:
    """What SQLAlchemy puts in place of the schema: SQLite has none."""
    return {SCHEMA: SCHEMA if dialect == POSTGRESQL else None}
