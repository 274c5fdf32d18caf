"""``bspec-opa trust``: the trust root that everything else is reached from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.groups import NamedGroup
from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, output_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.checkout.world import World

ROOT_KEYS = click.option(
    "--key", "keys", multiple=True, required=True, metavar="KEY", help="A root key; once for each."
)
DIRECTORY = click.option(
    "--project", "directory", type=click.Path(path_type=Path, file_okay=False), default=".", help="The project [.]."
)


@click.group("trust", cls=NamedGroup, short_help="Make, show and renew the signed trust root.")
def command() -> None:
    """Make, show and renew the signed trust root: who may sign what, and which policies decide.

    \b
    bspec-opa trust init trust.yaml --key keys/root.pem
    bspec-opa trust show
    """


@command.command("init", short_help="Sign version 1 of the trust root; print the pin.")
@click.argument("file", type=click.Path(path_type=Path))
@ROOT_KEYS
@output_options
@click.pass_obj
def init(runtime: Runtime, /, file: Path, keys: tuple[str, ...], quiet: bool, **options: Any) -> None:
    """Sign version 1 of the trust root from a readable FILE and print the pin.

    Give the pin to everybody who promotes or verifies, by another way than the repository.

    \b
    bspec-opa trust init trust.yaml --key keys/root.pem
    """
    from bspec_opa.report.trust import root_json, root_text
    from bspec_opa.workflow.checkout.project import find_project
    from bspec_opa.workflow.trusting import init_root

    world, output = open_world(runtime, file, options, quiet=quiet)
    project = find_project(file, world.environ, world.flags)
    new = init_root(project, file, _signers(keys, world), world.now)
    pin = new.root.digest
    output.show(
        lambda style: root_text("SIGNED", new.root, pin, new.file, style), lambda: root_json(new.root, pin, new.file)
    )


@command.command("show", short_help="Show the trust root in force.")
@DIRECTORY
@PIN
@output_options
@click.pass_obj
def show(runtime: Runtime, /, directory: Path, quiet: bool, **options: Any) -> None:
    """Show the trust root in force: walked from the pin, or read unauthenticated without one.

    \b
    bspec-opa trust show
    """
    from bspec_opa.report.trust import root_json, root_text
    from bspec_opa.workflow.trusting import read_roots

    world, output = open_world(runtime, directory, options, quiet=quiet)
    roots, files = read_roots(directory, world)
    word = "VERIFIED" if roots[-1].authenticated else "NOT VERIFIED"
    output.show(
        lambda style: root_text(word, roots[-1], roots[0].digest, files[-1], style),
        lambda: root_json(roots[-1], roots[0].digest, files[-1]),
    )


@command.command("renew", short_help="Sign the next version of the trust root.")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@ROOT_KEYS
@click.option("--valid-for", metavar="DURATION", help="How long it holds, without FILE: P365D [as long as the last].")
@DIRECTORY
@PIN
@output_options
@click.pass_obj
def renew(
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
    revocations. Without it nothing but the times changes.

    \b
    bspec-opa trust renew --key keys/root.pem --valid-for P365D
    bspec-opa trust renew trust.yaml --key keys/root.pem
    """
    from bspec_opa.report.trust import root_json, root_text
    from bspec_opa.workflow.trusting import renew_project

    if file is not None and valid_for is not None:
        raise click.UsageError("give FILE, whose valid: counts, or --valid-for")
    world, output = open_world(runtime, directory, options, quiet=quiet)
    new, pin = renew_project(directory, world, _signers(keys, world), valid_for=valid_for, trust_file=file)
    output.show(
        lambda style: root_text("RENEWED", new.root, pin, new.file, style), lambda: root_json(new.root, pin, new.file)
    )


def _signers(keys: tuple[str, ...], world: World) -> list[Signer]:
    from bspec_opa.workflow.checkout.keys import open_keys

    return open_keys(keys, world.environ)
