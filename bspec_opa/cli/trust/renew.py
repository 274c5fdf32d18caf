"""``bspec-opa trust renew``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, output_options
from bspec_opa.cli.trust.options import DIRECTORY, signers

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("renew", short_help="Sign the next version with all root keys at hand.")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--key", "keys", multiple=True, required=True, metavar="KEY", help="A root key; once for each.")
@click.option("--valid-for", metavar="DURATION", help="How long it holds, without FILE: P365D [as long as the last].")
@DIRECTORY
@PIN
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    file: Path | None,
    keys: tuple[str, ...],
    valid_for: str | None,
    directory: Path,
    quiet: bool,
    **options: Any,
) -> None:
    """Sign the next version of the trust root; the pin stays, and it works after expiry, too.

    With FILE the next version says what that trust.yaml says: people, roles, environments, accepted bundles,
    revocations. Without it nothing but the times changes. Where the keys are with several people: trust rotate.

    \b
    bspec-opa trust renew --key keys/root.pem --valid-for P365D
    bspec-opa trust renew trust.yaml --key keys/root.pem
    """
    from bspec_opa.report.trust.root import root_json, root_text
    from bspec_opa.workflow.roots.trusting import renew_project

    if file is not None and valid_for is not None:
        raise click.UsageError("give FILE, whose valid: counts, or --valid-for")
    world, output = open_world(runtime, directory, options, quiet=quiet)
    new, pin = renew_project(directory, world, signers(keys, world), valid_for=valid_for, trust_file=file)
    output.show(
        lambda style: root_text("RENEWED", new.root, pin, new.file, style), lambda: root_json(new.root, pin, new.file)
    )
