"""``bspec-opa trust restart-ledger``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, output_options
from bspec_opa.cli.trust.options import DIRECTORY, signers

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.cli.runtime import Runtime


@click.command("restart-ledger", short_help="Go on from the last good tree of a stolen ledger key.")
@click.option("--key", required=True, metavar="KEY", help="The next ledger key.")
@DIRECTORY
@PIN
@output_options
@click.pass_obj
def command(runtime: Runtime, /, key: str, directory: Path, quiet: bool, **options: Any) -> None:
    """Cut the file ledger back to the last good tree head of its compromised key, and sign that with the next key.

    The version that revokes the old key must be in place. The entries after that tree are moved aside and never
    signed; the ledger must begin with exactly the tree that the trust root names.

    \b
    bspec-opa trust restart-ledger --key keys/ledger-2.pem
    """
    from bspec_opa.report.trust.rotation import restart_json, restart_text
    from bspec_opa.workflow.roots.restarting import restart_ledger

    world, output = open_world(runtime, directory, options, quiet=quiet)
    (signer,) = signers([key], world)
    done = restart_ledger(directory, world, signer)
    output.show(lambda style: restart_text(done, style), lambda: restart_json(done))
