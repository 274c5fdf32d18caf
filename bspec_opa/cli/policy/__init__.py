"""``bspec-opa policy``: what authors of policies do with them. One file a command."""

from __future__ import annotations

import click

from bspec_opa.cli.groups import LazyGroup

COMMANDS = ("impact",)


class Commands(LazyGroup):
    """The commands about policies."""

    package = __name__
    names = COMMANDS


@click.group("policy", cls=Commands)
def command() -> None:
    """Write, test and judge policies.

    \b
    bspec-opa policy impact policies
    """
