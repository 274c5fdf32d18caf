"""``bspec-opa waivers``: every waiver of an agent, and how it stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.going_back import open_judged, rollback_options, taken
from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import INTENT, PIN, engine_options, output_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("waivers", short_help="List an agent's waivers: in force, orphaned, expired, void.")
@INTENT
@click.option("--env", "environment", default="", metavar="ENV", help="Only this environment.")
@rollback_options
@PIN
@engine_options
@place_options
@output_options
@click.pass_obj
def command(runtime: Runtime, /, intent: str, environment: str, quiet: bool, **options: Any) -> None:
    """List the waivers of INTENT's agent as the next decision would find them.

    in-force: it lifts what it names. used: the current line rests on it. orphaned: the rule says nothing of the kind
    any more. expired: its time is over. void: the intent, the binding, the current line or the rule is another one
    now. refused: it may not count. With --rollback-to: as going back to that LINE would find them.

    \b
    bspec-opa waivers behavior.intent
    bspec-opa waivers behavior.intent --env production --format json
    bspec-opa waivers behavior.intent --env production --rollback-to entry:41
    """
    from bspec_opa.report.record.waivers import waivers_json, waivers_text
    from bspec_opa.workflow.life.listing import waivers_in

    back = taken(options)
    if back[0] is not None and not environment:
        raise click.UsageError("--rollback-to is about one environment: name it with --env")
    world, output = open_world(runtime, Path(intent), options, quiet=quiet)
    waivers = waivers_in(open_judged(Path(intent), environment, world, back), environment)
    output.show(lambda style: waivers_text(waivers, style), lambda: waivers_json(waivers))
