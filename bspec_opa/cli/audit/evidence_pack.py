"""``bspec-opa audit evidence-pack``: the whole record in a folder that an outsider can verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, NamedPath, output_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("evidence-pack", short_help="Write the whole record into a folder that an auditor verifies offline.")
@click.argument("target", type=NamedPath(path_type=Path), metavar="DIR")
@click.option(
    "--project",
    "directory",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=".",
    help="The project [.].",
)
@PIN
@place_options
@output_options
@click.pass_obj
def command(runtime: Runtime, /, target: Path, directory: Path, quiet: bool, **options: Any) -> None:
    """Write the whole record into the new folder DIR, for somebody who has no access to the gate.

    Trust roots, the ledger with its checkpoint and proofs, exactly the objects that it takes to rebuild and replay
    every decision, schemas, and a page for people. Everything is verified first: what can't be proven is not packed.
    The same record gives the same bytes. Verify it with bspec-opa verify --pack DIR.

    \b
    bspec-opa audit evidence-pack evidence-2026-06
    """
    from bspec_opa.report.audit.pack import pack_json, pack_text, pages
    from bspec_opa.workflow.audit.packing import write_pack

    world, output = open_world(runtime, directory, options, quiet=quiet)
    pack = write_pack(target, directory, world, pages)
    output.show(lambda style: pack_text(pack, style, verified=False), lambda: pack_json(pack, verified=False))
