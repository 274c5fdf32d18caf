"""``bspec-opa ledger verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, NamedPath, output_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("verify", short_help="Verify every entry of a ledger or an export.")
@click.argument("ledger", required=False, type=NamedPath(path_type=str))
@PIN
@place_options
@output_options
@click.pass_obj
def command(runtime: Runtime, /, ledger: str | None, quiet: bool, **options: Any) -> None:
    """Verify LEDGER entry by entry against its signed checkpoint; the first bad entry is named.

    LEDGER is a ledger's directory or address, or what ledger export wrote; without it, the project's own ledger.
    Memory grows by about 0.3 kB an entry.

    \b
    bspec-opa ledger verify
    bspec-opa ledger verify public/ledger --trust-pin sha256:…
    """
    from bspec_opa.report.record.ledger import verified_json, verified_text
    from bspec_opa.workflow.ledger.place import open_authority, open_named
    from bspec_opa.workflow.ledger.verifying import verify_ledger

    world, output = open_world(runtime, Path(), options, quiet=quiet)
    authority = open_authority(world)
    verified = verify_ledger(open_named(ledger, authority), authority)
    output.show(lambda style: verified_text(verified, style), lambda: verified_json(verified))
