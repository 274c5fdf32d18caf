"""``bspec-opa trust show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, output_options
from bspec_opa.cli.trust.options import DIRECTORY

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.cli.runtime import Runtime


@click.command("show", short_help="Show the trust root in force.")
@DIRECTORY
@PIN
@output_options
@click.pass_obj
def command(runtime: Runtime, /, directory: Path, quiet: bool, **options: Any) -> None:
    """Show the trust root in force: walked from the pin, or read unauthenticated without one.

    \b
    bspec-opa trust show
    """
    from bspec_opa.report.trust.root import root_json, root_text
    from bspec_opa.workflow.roots.trusting import read_roots

    world, output = open_world(runtime, directory, options, quiet=quiet)
    roots, files = read_roots(directory, world)
    word = "VERIFIED" if roots[-1].authenticated else "NOT VERIFIED"
    output.show(
        lambda style: root_text(word, roots[-1], roots[0].digest, files[-1], style),
        lambda: root_json(roots[-1], roots[0].digest, files[-1]),
    )
