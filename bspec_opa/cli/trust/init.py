"""``bspec-opa trust init``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import output_options
from bspec_opa.cli.trust.options import ROOT_KEYS, TARGET, show_draft, signers

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("init", short_help="Sign version 1 of the trust root; print the pin.")
@click.argument("file", type=click.Path(path_type=Path))
@ROOT_KEYS
@TARGET
@output_options
@click.pass_obj
def command(
    runtime: Runtime, /, file: Path, keys: tuple[str, ...], target: Path | None, quiet: bool, **options: Any
) -> None:
    """Sign version 1 of the trust root from a readable FILE and print the pin.

    Give the pin to everybody who promotes or verifies, by another way than the repository. Without --key a draft is
    written, for several people to sign one after another: trust sign, then trust accept.

    \b
    bspec-opa trust init trust.yaml --key keys/root.pem
    bspec-opa trust init trust.yaml
    """
    from bspec_opa.report.trust.root import root_json, root_text
    from bspec_opa.workflow.checkout.project import find_project

    if keys and target:
        raise click.UsageError("--output is for a draft, without --key")
    world, output = open_world(runtime, file, options, quiet=quiet)
    if not keys:
        from bspec_opa.workflow.roots.rotating import draft_first

        show_draft(output, draft_first(file, world, target), world.now)
        return
    from bspec_opa.workflow.roots.trusting import init_root

    project = find_project(file, world.environ, world.flags)
    new = init_root(project, file, signers(keys, world), world.now)
    pin = new.root.digest
    output.show(
        lambda style: root_text("SIGNED", new.root, pin, new.file, style), lambda: root_json(new.root, pin, new.file)
    )
