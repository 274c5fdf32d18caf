"""``bspec-opa bundle``: policies and data to an OPA bundle, and what is in one. One file a command."""

from __future__ import annotations

import click

from bspec_opa.cli.groups import LazyGroup

COMMANDS = ("build", "inspect", "export", "sign", "verify", "diff")


class Commands(LazyGroup):
    """The commands about bundles."""

    package = __name__
    names = COMMANDS


@click.group("bundle", cls=Commands)
def command() -> None:
    """Build, inspect, export, sign, verify and compare policy bundles.

    \b
    bspec-opa bundle inspect
    bspec-opa bundle export default -o bspec.tar.gz
    bspec-opa bundle build policies -o bundles/acme.tar.gz --data acme/data.json
    """
