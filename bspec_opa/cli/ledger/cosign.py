"""``bspec-opa ledger cosign``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, NamedPath, output_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("cosign", short_help="Have witnesses cosign the ledger's head.")
@click.argument("directory", type=NamedPath(path_type=Path), default=".")
@click.option("--witness", "witness_urls", multiple=True, metavar="URL", help="Ask this one; may be given again.")
@click.option("--witness-ca", metavar="FILE", help="CA certificates of the witnesses, PEM.")
@click.option("--witness-cert", metavar="FILE", help="Client certificate for the witnesses, PEM.")
@click.option("--witness-key", metavar="FILE", help="Its key, PEM without a passphrase.")
@click.option("--witness-token-file", metavar="FILE", help="Bearer token for the witnesses.")
@click.option("--ledger-path", metavar="DIR", help="The ledger's directory.")
@PIN
@output_options
@click.pass_obj
def command(runtime: Runtime, /, directory: Path, quiet: bool, **options: Any) -> None:
    """Ask witnesses to cosign the head of the ledger of the project in DIRECTORY, and keep what they sign beside it.

    Sent are the checkpoint and a proof of hashes, nothing else. A witness cosigns only what goes on from all that it
    has seen. Only witnesses that the trust root names count; it exits 7 unless as many have cosigned as it demands, and
    7 or 9 if too few of those that were asked did so now.

    \b
    bspec-opa ledger cosign --witness https://w1.example \\
      --witness https://w2.example
    BSPEC_OPA_WITNESS_URLS="https://w1.example https://w2.example" \\
      bspec-opa ledger cosign
    """
    from bspec_opa.report.record.witness import cosigned_json, cosigned_text
    from bspec_opa.workflow.witness.cosigning import cosign_ledger

    world, output = open_world(runtime, directory, options, quiet=quiet)
    done = cosign_ledger(directory, world)
    output.show(lambda style: cosigned_text(done, style), lambda: cosigned_json(done))
