"""The scripts that make a ledger's tables, as package data."""

from __future__ import annotations

from importlib.resources import files


def read_ddl(dialect: str) -> str:
    """The script that makes tables, triggers, and in PostgreSQL the roles and their grants."""
    return (files(__name__) / f"{dialect}.sql").read_text(encoding="utf-8")
