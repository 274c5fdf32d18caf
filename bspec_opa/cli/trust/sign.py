"""``bspec-opa trust sign``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, NamedPath, output_options
from bspec_opa.cli.trust.options import DIRECTORY, ROOT_KEYS, show_draft, signers

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("sign", short_help="Add a signature to a drafted version.")
@click.argument("file", type=NamedPath(path_type=Path))
@ROOT_KEYS
@click.option(
    "--from", "copies", multiple=True, type=NamedPath(path_type=Path), help="A copy of FILE that others have signed."
)
@click.option("--output", "-o", "target", type=NamedPath(path_type=Path), help="Write there and leave FILE as it is.")
@DIRECTORY
@PIN
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    file: Path,
    keys: tuple[str, ...],
    copies: tuple[Path, ...],
    target: Path | None,
    directory: Path,
    quiet: bool,
    **options: Any,
) -> None:
    """Add your signature to a version that was drafted; the order doesn't matter, and no network is needed.

    First the draft is checked: it must go on from the newest version, which is walked from the pin, and each signature
    in it must be genuine. It prints what changes and whose signatures are still missing. A signature that would change
    nothing is refused. Copies that others have signed elsewhere are put together with --from. Without --key and --from
    the draft is only shown: look before you sign.

    \b
    bspec-opa trust sign .bspec/trust/2.draft.json
    bspec-opa trust sign .bspec/trust/2.draft.json --key keys/ben.pem
    bspec-opa trust sign 2.draft.json --from from-anna.json --from from-ben.json
    """
    from bspec_opa.workflow.roots.rotating import sign_draft

    world, output = open_world(runtime, directory, options, quiet=quiet)
    drafted = sign_draft(file, directory, world, signers(keys, world), copies=copies, target=target)
    show_draft(output, drafted, world.now)
