"""``bspec-opa ledger init``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import output_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("init", short_help="Make the tables of a ledger in a database, as its owner.")
@place_options
@output_options
@click.pass_obj
def command(runtime: Runtime, /, quiet: bool, **options: Any) -> None:
    """Make the tables, triggers, roles and grants of the ledger that is configured, if it is in a database.

    In PostgreSQL that is for the database's owner, who may not be a user that a gate has: grant that one the role
    bspec_ledger_writer afterwards. A SQLite file is also made by the first entry.

    \b
    bspec-opa ledger init --ledger-url postgresql://owner@db.example/ledger
    """
    from bspec_opa.report.record.database import made_json, made_text
    from bspec_opa.workflow.ledger.making import make_database

    world, output = open_world(runtime, Path(), options, quiet=quiet)
    made = make_database(world)
    output.show(lambda style: made_text(made, style), lambda: made_json(made))
