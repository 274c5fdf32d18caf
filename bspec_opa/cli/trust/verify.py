"""``bspec-opa trust verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, NamedPath, output_options
from bspec_opa.cli.trust.options import DIRECTORY

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("verify", short_help="Verify every version from the pin to the newest.")
@click.argument("files", nargs=-1, type=NamedPath(path_type=Path), metavar="[FILE]...")
@DIRECTORY
@PIN
@output_options
@click.pass_obj
def command(runtime: Runtime, /, files: tuple[Path, ...], directory: Path, quiet: bool, **options: Any) -> None:
    """Verify every version of the trust root, from the pin to the newest, and print who made each of them one.

    Each version must be the next one, name its predecessor, be of the same domain and signed by the predecessor's
    threshold and its own; the newest must not have expired, and be no older than what this user has seen before.
    FILEs are the whole chain if version 1 is among them, otherwise versions that follow the project's.

    \b
    bspec-opa trust verify
    bspec-opa trust verify 2.draft.json
    """
    from bspec_opa.report.trust.rotation import chain_json, chain_text
    from bspec_opa.workflow.roots.chaining import verify_chain

    world, output = open_world(runtime, directory, options, quiet=quiet)
    chain = verify_chain(files, directory, world)
    output.show(lambda style: chain_text(chain, world.now, style), lambda: chain_json(chain, world.now))
