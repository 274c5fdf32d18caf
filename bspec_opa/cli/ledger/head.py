"""``bspec-opa ledger head``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, NamedPath, output_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime

FILE = NamedPath(path_type=Path)


@click.command("head", short_help="Sign what is current, for a short time.")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False, exists=True), default=".")
@click.option("--write", "target", type=FILE, metavar="FILE", help="Where to [.bspec/ledger/head.json].")
@click.option("--key", metavar="KEY", help="The head key: a file, file:PATH, envvar:NAME or a KMS URI.")
@click.option("--valid-for", metavar="DURATION", help="How long it holds [PT1H, or what the trust root allows].")
@click.option("--begin", is_flag=True, help="Vouch for a ledger that this machine has never seen before.")
@click.option("--check", "given", type=FILE, metavar="FILE", help="Read a statement instead, and compare.")
@click.option("--ledger-path", metavar="DIR", help="The ledger's directory.")
@click.option("--ledger-url", metavar="URL", help="The ledger's database or Git ref.")
@PIN
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    directory: Path,
    target: Path | None,
    key: str | None,
    valid_for: str | None,
    begin: bool,
    given: Path | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Say what is current in the ledger of the project in DIRECTORY: tree, trust root, bundles, and every current line.

    The statement is signed by the head key and soon expires. The ledger must verify, be witnessed where the trust root
    demands it, and go on from what this machine has seen. Where the trust root demands a fresh statement, promote and
    verify refuse without one.

    \b
    bspec-opa ledger head --key keys/head.pem
    bspec-opa ledger head --check head.json
    """
    from bspec_opa.report.record.head import head_json, head_text
    from bspec_opa.workflow.currency.stating import Wanted, check_head, state_head

    if given is not None and (begin or any((target, key, valid_for))):
        raise click.UsageError("--check reads a statement; it takes nothing that one is made with")
    world, output = open_world(runtime, directory, options, quiet=quiet)
    if given is not None:
        made = check_head(given, directory, world)
    else:
        made = state_head(directory, world, Wanted(target, key, valid_for, begin))
    output.show(lambda style: head_text(made, style), lambda: head_json(made))
