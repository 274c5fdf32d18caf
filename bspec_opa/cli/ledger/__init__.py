"""``bspec-opa ledger``: the ledger as a whole. One file a command."""

from __future__ import annotations

import click

from bspec_opa.cli.groups import LazyGroup

COMMANDS = ("verify", "export", "import", "init", "ddl")


class Commands(LazyGroup):
    """The commands about the ledger."""

    package = __name__
    names = COMMANDS


@click.group("ledger", cls=Commands, short_help="Verify, export and move the ledger.")
def command() -> None:
    """Verify the ledger, export it as static files, move it into another store.

    \b
    bspec-opa ledger verify
    bspec-opa ledger export public/ledger
    bspec-opa ledger import .bspec/ledger --ledger-key keys/ledger.pem
    """
