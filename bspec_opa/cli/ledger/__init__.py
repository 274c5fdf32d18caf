"""``bspec-opa ledger``: the ledger as a whole, and those who witness its head. One file a command."""

from __future__ import annotations

import click

from bspec_opa.cli.groups import LazyGroup

COMMANDS = ("verify", "export", "import", "init", "ddl", "head", "cosign", "witness")


class Commands(LazyGroup):
    """The commands about the ledger."""

    package = __name__
    names = COMMANDS


@click.group("ledger", cls=Commands, short_help="Verify, export, move and witness the ledger.")
def command() -> None:
    """Verify the ledger, export it as static files, move it into another store, have its head witnessed.

    \b
    bspec-opa ledger verify
    bspec-opa ledger export public/ledger
    bspec-opa ledger import .bspec/ledger --ledger-key keys/ledger.pem
    bspec-opa ledger head --key keys/head.pem
    bspec-opa ledger cosign --witness https://w1.example \\
      --witness https://w2.example
    bspec-opa ledger witness --name w1.example --key w1.pem --state state \\
      --log acme.example/bspec=ledger.pub.pem
    """
