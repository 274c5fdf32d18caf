"""``bspec-opa ledger export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, NamedPath, output_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("export", short_help="Write the ledger as static files (C2SP tlog-tiles).")
@click.argument("directory", type=NamedPath(path_type=Path))
@PIN
@place_options
@output_options
@click.pass_obj
def command(runtime: Runtime, /, directory: Path, quiet: bool, **options: Any) -> None:
    """Write the ledger into DIRECTORY as C2SP tlog-tiles: checkpoint, tiles of hashes, bundles of entries.

    The ledger is verified on the way. An earlier export in DIRECTORY is brought up to date: files are only added, and
    the checkpoint is replaced last.

    \b
    bspec-opa ledger export public/ledger
    """
    from bspec_opa.report.record.ledger import exported_json, exported_text
    from bspec_opa.workflow.ledger.moving import export_ledger
    from bspec_opa.workflow.ledger.place import open_authority, open_named

    world, output = open_world(runtime, Path(), options, quiet=quiet)
    authority = open_authority(world)
    moved = export_ledger(open_named(None, authority), directory, authority)
    output.show(lambda style: exported_text(moved, style), lambda: exported_json(moved))
