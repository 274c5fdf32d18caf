"""``bspec-opa policy``: the tools of people who write rules. One file a command."""

from __future__ import annotations

import click

from bspec_opa.cli.groups import LazyGroup

COMMANDS = ("new", "test", "lint", "doc", "bench", "impact")


class Commands(LazyGroup):
    """The commands about policies that somebody writes."""

    package = __name__
    names = COMMANDS


@click.group("policy", cls=Commands, short_help="Write rules: new, test, lint, doc, bench, impact.")
def command() -> None:
    """Write rules, test, lint and document them, from an empty directory on.

    \b
    bspec-opa policy new global/tools/no_shell
    bspec-opa policy test
    bspec-opa policy lint --fix
    bspec-opa policy doc -o docs/rules
    bspec-opa bundle build -o bundles/acme.tar.gz
    bspec-opa policy impact bundles/acme.tar.gz
    """
