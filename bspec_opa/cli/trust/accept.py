"""``bspec-opa trust accept``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, NamedPath, output_options
from bspec_opa.cli.trust.options import DIRECTORY

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("accept", short_help="Put a version that all have signed in place.")
@click.argument("file", type=NamedPath(path_type=Path))
@DIRECTORY
@PIN
@output_options
@click.pass_obj
def command(runtime: Runtime, /, file: Path, directory: Path, quiet: bool, **options: Any) -> None:
    """Verify a version that all have signed and put it in place, as .bspec/trust/<N>.root.json.

    From then on this user knows that there is this version, and refuses an older one. A version that retires a key
    which has gone on signing since is refused: what it signed would be void by mistake.

    \b
    bspec-opa trust accept .bspec/trust/2.draft.json
    """
    from bspec_opa.report.trust.root import root_json, root_text
    from bspec_opa.workflow.roots.rotating import accept_draft

    world, output = open_world(runtime, directory, options, quiet=quiet)
    new, pin = accept_draft(file, directory, world)
    output.show(
        lambda style: root_text("ACCEPTED", new.root, pin, new.file, style), lambda: root_json(new.root, pin, new.file)
    )
