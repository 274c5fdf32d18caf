"""``bspec-opa ledger ddl``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bspec_opa.cli.options import output_options
from bspec_opa.cli.output import plain_output
from bspec_opa.ledger.sql.url import DIALECTS, POSTGRESQL

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("ddl", short_help="Print the SQL that makes a ledger's tables, roles and grants.")
@click.option("--dialect", type=click.Choice(DIALECTS), default=POSTGRESQL, help="The database [postgresql].")
@output_options
@click.pass_obj
def command(runtime: Runtime, dialect: str, output_format: str | None, quiet: bool) -> None:
    """Print the SQL that makes a ledger's tables, triggers, roles and grants: for a database's owner to read and run.

    Gates get the role bspec_ledger_writer, which may read and insert; auditors get bspec_ledger_reader. Nobody may
    change or remove a row.

    \b
    bspec-opa ledger ddl | psql --single-transaction -v ON_ERROR_STOP=1 DATABASE
    """
    from bspec_opa.report.record.database import ddl_json
    from bspec_opa.workflow.ledger.making import script_of

    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    script = script_of(dialect)
    output.show(lambda _: script, lambda: ddl_json(dialect, script))
