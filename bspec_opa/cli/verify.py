"""``bspec-opa verify``: check a lock offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, output_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("verify", short_help="Verify a lock offline by replaying its decisions.")
@click.argument("lock", type=click.Path(path_type=Path), default="behavior.lock")
@click.option("--deployed", type=click.Path(path_type=Path), help="What runs: a bspec.deployed/v1 file to compare.")
@PIN
@place_options
@output_options
@click.pass_obj
def command(runtime: Runtime, /, lock: Path, deployed: Path | None, quiet: bool, **options: Any) -> None:
    """Verify LOCK offline: envelopes, chain, pin, ledger inclusion, facts rebuilt, decision replayed.

    \b
    bspec-opa verify behavior.lock
    bspec-opa verify behavior.lock --deployed deployed.json
    """
    from bspec_opa.report.verification import verification_json, verification_text
    from bspec_opa.workflow.checking import verify_file

    world, output = open_world(runtime, lock, options, quiet=quiet)
    verification = verify_file(lock, world, deployed)
    output.show(
        lambda style: verification_text(verification, str(lock), style), lambda: verification_json(verification)
    )
