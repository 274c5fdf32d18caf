"""``bspec-opa verify``: check a lock offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import HEAD, PIN, NamedPath, output_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("verify", short_help="Verify a lock offline by replaying its decisions.")
@click.argument("lock", type=click.Path(path_type=Path), required=False)
@click.option("--deployed", type=click.Path(path_type=Path), help="What runs: a bspec.deployed/v1 file to compare.")
@click.option("--env", "environment", metavar="ENV", help="Where what --deployed names runs: elsewhere is refused.")
@click.option(
    "--pack", type=NamedPath(path_type=Path), metavar="DIR", help="Verify an evidence pack instead of a lock."
)
@HEAD
@PIN
@place_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    lock: Path | None,
    deployed: Path | None,
    environment: str | None,
    pack: Path | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Verify LOCK [behavior.lock] offline: envelopes, chain, pin, ledger inclusion, facts rebuilt, decision replayed.

    With --pack a folder of audit evidence-pack is verified, with nothing of a project; only the pin comes from outside.
    Without a pin it is self-consistent, not authenticated, which exits 7.

    \b
    bspec-opa verify behavior.lock
    bspec-opa verify behavior.lock --deployed deployed.json --env production
    bspec-opa verify --pack evidence-2026-06 --trust-pin sha256:…
    """
    from bspec_opa.report.record.verification import verification_json, verification_text
    from bspec_opa.workflow.verifying.checking import verify_file

    if pack is not None:
        places = [value for name, value in options.items() if name not in {"trust_pin", "output_format"}]
        if any((lock, deployed, environment, *places)):
            raise click.UsageError("--pack is verified by itself: leave the lock, --deployed and all places out")
        _verify_pack(runtime, pack, options, quiet=quiet)
        return
    if environment is not None and (deployed is None or not environment):
        raise click.UsageError("--env says where what --deployed names runs; it needs both, and a name")
    lock = lock or Path("behavior.lock")
    world, output = open_world(runtime, lock, options, quiet=quiet)
    verification = verify_file(lock, world, deployed, environment or "")
    output.show(
        lambda style: verification_text(verification, str(lock), style), lambda: verification_json(verification)
    )


def _verify_pack(runtime: Runtime, pack: Path, options: dict[str, Any], *, quiet: bool) -> None:
    """The folder is no project: nothing in it configures anything."""
    from bspec_opa.report.audit.pack import pack_json, pack_text, pages
    from bspec_opa.workflow.audit.packing import verify_pack

    world, output = open_world(runtime, Path(), options, quiet=quiet)
    found = verify_pack(pack, world, pages)
    output.show(lambda style: pack_text(found, style, verified=True), lambda: pack_json(found, verified=True))
