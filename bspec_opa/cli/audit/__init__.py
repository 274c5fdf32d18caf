"""``bspec-opa audit``: what agents could do at a moment of the past; and packs for auditors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bspec_opa.cli.groups import LazyGroup
from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, output_options, place_options
from bspec_opa.cli.packs import PACK, place_of

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


class AuditGroup(LazyGroup):
    """``audit --at`` itself, and its commands, each in a module of its own."""

    package = "bspec_opa.cli.audit"
    names = ("evidence-pack",)


@click.group(
    "audit",
    cls=AuditGroup,
    invoke_without_command=True,
    short_help="Say what agents could do at a past moment, and on whose word.",
)
@click.option("--at", "when", metavar="TIME|ENTRY", help="The moment: a time in UTC, or after a ledger entry's number.")
@click.option("--agent", default="", metavar="AGENT", help="Only this agent.")
@click.option("--env", "environment", default="", metavar="ENV", help="Only this environment.")
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
@click.pass_context
def command(
    ctx: click.Context,
    /,
    when: str | None,
    agent: str,
    environment: str,
    directory: Path,
    pack: Path | None,
    quiet: bool,
    **options: Any,
) -> int | None:
    """Say what each agent could do at a moment of the past, who said so, and on what evidence.

    From the ledger alone, as far as it went then, under the trust roots that had been issued by then. Every line that
    was current is verified as verify does, and marked with what became known later. Exits 7 where one does not verify.

    \b
    bspec-opa audit --at 2026-05-01T00:00:00Z
    bspec-opa audit --at 41 --agent billing-support --env production --format json
    bspec-opa audit evidence-pack evidence-2026-06
    bspec-opa audit --at 2026-05-01T00:00:00Z --pack evidence-2026-06
    """
    if ctx.invoked_subcommand is not None:
        _require_bare(ctx, ctx.invoked_subcommand)
        return None
    if when is None:
        raise click.UsageError("say when: --at TIME, or --at ENTRY")
    from bspec_opa.report.audit.moment import moment_json, moment_text
    from bspec_opa.workflow.audit.moment import audit_at

    runtime: Runtime = ctx.obj
    place, opening = place_of(directory, pack, options)
    world, output = open_world(runtime, directory, options, quiet=quiet)
    moment = audit_at(place, world, when, agent=agent, environment=environment, opening=opening)
    output.show(lambda style: moment_text(moment, style), lambda: moment_json(moment))
    return int(moment.exit_code)


def _require_bare(ctx: click.Context, subcommand: str) -> None:
    """Refuse what was written ahead of a command: it would be ignored, the pin and the ledger's place, too."""
    given = [
        p for p in ctx.command.params if p.name and ctx.get_parameter_source(p.name) is ParameterSource.COMMANDLINE
    ]
    if given:
        names = ", ".join(p.opts[0] for p in given)
        raise click.UsageError(f"{names} stands ahead of {subcommand}; write what belongs to it behind it")
