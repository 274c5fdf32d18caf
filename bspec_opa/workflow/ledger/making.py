"""Makes the tables of a ledger in a database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bspec_opa.ledger.sql.reasons import NO_DATABASE
from bspec_opa.ledger.sql.url import POSTGRESQL
from bspec_opa.workflow.checkout.project import find_project

if TYPE_CHECKING:
    from bspec_opa.workflow.checkout.world import World


class Made(NamedTuple):
    """A database with a ledger's tables.

    Attributes:
        place: where it is, without a password.
        made: whether they were missing.
        grants: whether gates and auditors still need their roles.
    """

    place: str
    made: bool
    grants: bool


def script_of(dialect: str) -> str:
    """The script that makes the tables of a ledger."""
    from bspec_opa.ledger.sql.ddl import read_ddl

    return read_ddl(dialect)


def make_database(world: World) -> Made:
    """Make the tables of the ledger that is configured.

    Raises:
        UsageError: the ledger that is configured is in no database.
        StoreError: it can't be reached, or the user may not.
    """
    url = find_project(Path(), world.environ, world.flags).database
    if url is None:
        raise NO_DATABASE.error("no database is configured", hint="give --ledger-url, or set ledger.url")
    from bspec_opa.ledger.sql.store import open_sql_store

    made = open_sql_store(url, origin="", keys=()).initialise()
    return Made(url.shown, made, made and url.dialect == POSTGRESQL)
