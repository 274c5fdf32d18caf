"""``bspec-opa review``: look at an emergency afterwards, and sign that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.going_back import BESIDE
from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import ENVIRONMENT, KEY, PIN, output_options, place_options, reason_option

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("review", short_help="Reviewer: sign that you have looked at an emergency.")
@click.argument("line", metavar="LINE")
@ENVIRONMENT
@reason_option("What you looked at and found, for those who read the record.", required=True)
@BESIDE
@KEY
@PIN
@place_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    line: str,
    environment: str,
    reason: str,
    intent: str,
    key: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Print what was done in an emergency, and sign that you have reviewed it; until then nothing ordinary follows it.

    Whoever requested or approved the emergency can't review it.

    \b
    bspec-opa review entry:52 --env production --reason "outage 812, right call" \\
      --key keys/reviewer.pem
    """
    from bspec_opa.report.record.records import issued_json, issued_text
    from bspec_opa.report.record.review import emergency_text, steps_after_review
    from bspec_opa.workflow.checkout.keys import signer_for
    from bspec_opa.workflow.life.review import open_emergency, review

    world, output = open_world(runtime, Path(intent), options, quiet=quiet)
    emergency = open_emergency(Path(intent), world, line, environment)
    output.aside(emergency_text(emergency))
    config = emergency.place.project.config
    issued = review(emergency, reason, signer_for("reviewer", key, config, world.environ))
    steps = steps_after_review(intent, environment)
    output.show(lambda style: issued_text(issued, steps, style), lambda: issued_json(issued, steps))
