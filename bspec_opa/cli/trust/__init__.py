"""``bspec-opa trust``: the trust root that everything else is reached from. One file a command."""

from __future__ import annotations

import click

from bspec_opa.cli.groups import LazyGroup

COMMANDS = ("init", "show", "verify", "renew", "rotate", "revoke", "sign", "accept", "restart-ledger")


class Commands(LazyGroup):
    """The commands about the trust root."""

    package = __name__
    names = COMMANDS


@click.group("trust", cls=Commands, short_help="Make, show, rotate and verify the signed trust root.")
def command() -> None:
    """Make, show, rotate and verify the signed trust root: who may sign what, and which policies decide.

    \b
    bspec-opa trust init trust.yaml --key keys/root.pem
    bspec-opa trust show
    bspec-opa trust rotate --replace-key keys/root.pub.pem keys/root-2.pub.pem
    """
