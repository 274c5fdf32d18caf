"""``bspec-opa bundle``: policies and data to an OPA bundle, and what is in one. One file a command."""

from __future__ import annotations

import click

from bspec_opa.cli.groups import LazyGroup

COMMANDS = ("build", "sign", "verify", "diff", "inspect", "export", "serve", "push", "pull")


class Commands(LazyGroup):
    """The commands about bundles."""

    package = __name__
    names = COMMANDS


@click.group("bundle", cls=Commands)
def command() -> None:
    """Build, sign, verify, compare, serve and ship policy bundles.

    \b
    bspec-opa bundle inspect
    bspec-opa bundle export default -o bspec.tar.gz
    bspec-opa bundle build policies -o bundles/acme.tar.gz --data acme/data.json
    bspec-opa bundle serve acme/production=bundles/acme.tar.gz
    bspec-opa bundle push bundles/acme.tar.gz registry.example/acme/bspec:v7
    """
