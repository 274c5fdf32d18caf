"""``bspec-opa history``: what was promoted of an agent, by whom, and what it changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, output_options, place_options
from bspec_opa.cli.packs import PACK, place_of

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("history", short_help="Show what was promoted of an agent, by whom, and what it changed.")
@click.argument("agent")
@click.option("--env", "environment", default="", metavar="ENV", help="Only this environment.")
@click.option("--denials", is_flag=True, help="List what was denied or pending, too.")
@click.option(
    "--project",
    "directory",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=".",
    help="The project [.].",
)
@PACK
@PIN
@place_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    agent: str,
    environment: str,
    denials: bool,
    directory: Path,
    pack: Path | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Show the lines of AGENT in each environment, the newest first: when, which version, who approved, what changed.

    From the ledger, never from the lock file. Each line is judged by the trust root of its time and marked with what
    became known since: a revoked record, a key that was compromised later.

    \b
    bspec-opa history billing-support
    bspec-opa history billing-support --env production --denials --format json
    bspec-opa history billing-support --pack evidence-2026-06
    """
    from bspec_opa.report.audit.history import history_json, history_text
    from bspec_opa.workflow.audit.history import history_of

    place, opening = place_of(directory, pack, options)
    world, output = open_world(runtime, directory, options, quiet=quiet)
    history = history_of(place, world, agent, environment=environment, denials=denials, opening=opening)
    output.show(lambda style: history_text(history, style), lambda: history_json(history))
