"""``bspec-opa waivers``: every waiver of an agent, and how it stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import INTENT, PIN, engine_options, output_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("waivers", short_help="List an agent's waivers: in force, orphaned, expired, void.")
@INTENT
@click.option("--env", "environment", default="", metavar="ENV", help="Only this environment.")
@PIN
@engine_options
@place_options
@output_options
@click.pass_obj
def command(runtime: Runtime, /, intent: str, environment: str, quiet: bool, **options: Any) -> None:
    """List the waivers of INTENT's agent as the next decision would find them.

    in-force: it lifts what it names. used: the current line rests on it. orphaned: the rule says nothing of the kind
    any more. expired: its time is over. void: the intent, the binding, the current line or the rule is another one
    now. refused: it may not count.

    \b
    bspec-opa waivers behavior.intent
    bspec-opa waivers behavior.intent --env production --format json
    """
    from bspec_opa.report.record.waivers import waivers_json, waivers_text
    from bspec_opa.workflow.checkout.session import open_session
    from bspec_opa.workflow.life.listing import waivers_in

    world, output = open_world(runtime, Path(intent), options, quiet=quiet)
    waivers = waivers_in(open_session(Path(intent), world, need_pin=False), environment)
    output.show(lambda style: waivers_text(waivers, style), lambda: waivers_json(waivers))
