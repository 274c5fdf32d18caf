"""``bspec-opa trust rotate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, NamedPath, output_options
from bspec_opa.cli.trust.options import (
    DIRECTORY,
    TARGET,
    VALID_FOR,
    change_options,
    draft,
    show_draft,
    take_changes,
)

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("rotate", short_help="Draft the next version, for several people to sign.")
@change_options
@VALID_FOR
@click.option("--edit", "trust_file", type=NamedPath(path_type=Path), help="A trust.yaml that says the whole version.")
@TARGET
@DIRECTORY
@PIN
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    valid_for: str | None,
    trust_file: Path | None,
    target: Path | None,
    directory: Path,
    quiet: bool,
    **options: Any,
) -> None:
    """Write the next version of the trust root, unsigned: the present one with these changes.

    It prints what changes and who has to sign: as many holders of root keys as the present version asks for, and as
    many as the new one does. KEY is a public PEM file or the first digits of a key's id. Nothing holds until all have
    signed (trust sign) and it is put in place (trust accept).

    \b
    bspec-opa trust rotate --replace-key keys/ben.pub.pem keys/ben-2.pub.pem \\
      --valid-for P365D
    bspec-opa trust rotate --add-root-key keys/dora.pub.pem --threshold 3
    bspec-opa trust rotate --edit trust.yaml
    """
    changes = take_changes(options)
    if trust_file is not None and (valid_for is not None or any(changes.values())):
        raise click.UsageError("--edit says the whole version: put the changes into that file")
    world, output = open_world(runtime, directory, options, quiet=quiet)
    drafted = draft(directory, world, changes, valid_for=valid_for, trust_file=trust_file, target=target)
    show_draft(output, drafted, world.now)
