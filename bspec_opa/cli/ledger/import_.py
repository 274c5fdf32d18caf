"""``bspec-opa ledger import``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, NamedPath, output_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("import", short_help="Copy a ledger into the project's own store, with the same tree head.")
@click.argument("source", type=NamedPath(path_type=str))
@click.option("--ledger-key", metavar="KEY", help="The key that signs the ledger's checkpoint.")
@PIN
@place_options
@output_options
@click.pass_obj
def command(runtime: Runtime, /, source: str, ledger_key: str | None, quiet: bool, **options: Any) -> None:
    """Copy the ledger in SOURCE into the project's own store: the same entries, the same tree head.

    SOURCE is a ledger's directory or what ledger export wrote. All of it is verified before the first entry is
    written. The project's store is empty or a beginning of the same ledger; what an interrupted import has written is
    gone on from. The witnesses' cosignatures of the head come along.

    \b
    bspec-opa ledger import old/ledger --ledger-key keys/ledger.pem
    """
    from bspec_opa.report.record.ledger import imported_json, imported_text
    from bspec_opa.workflow.checkout.keys import signer_for
    from bspec_opa.workflow.ledger.moving import import_ledger
    from bspec_opa.workflow.ledger.place import open_authority, open_named

    world, output = open_world(runtime, Path(), options, quiet=quiet)
    authority = open_authority(world)
    signer = signer_for("ledger", ledger_key, authority.project.config, world.environ)
    moved = import_ledger(open_named(source, authority), authority, signer)
    output.show(lambda style: imported_text(moved, style), lambda: imported_json(moved))
