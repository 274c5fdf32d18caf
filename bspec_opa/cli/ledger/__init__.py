"""``bspec-opa ledger``: the ledger's head and those who witness it. One file a command."""

from __future__ import annotations

import click

from bspec_opa.cli.groups import LazyGroup

COMMANDS = ("cosign", "witness")


class Commands(LazyGroup):
    """The commands about the ledger."""

    package = __name__
    names = COMMANDS


@click.group("ledger", cls=Commands)
def command() -> None:
    """The ledger, and the witnesses of its head.

    \b
    bspec-opa ledger cosign --witness https://w1.example --witness https://w2.example
    bspec-opa ledger witness --name w1.example --key w1.pem --state state --log acme.example/bspec=ledger.pub.pem
    """
