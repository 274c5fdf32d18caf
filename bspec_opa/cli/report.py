"""``bspec-opa report``: which controls a decision meets, for an auditor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, QUIET, NamedPath, engine_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime

MATRIX = "controls"


@click.command("report", short_help="Say which controls a decision, a lock or a whole ledger meets.")
@click.argument("subject", type=NamedPath(path_type=Path), metavar="DECISION")
@click.option("--env", "environment", default="", metavar="ENV", help="Only this environment; of an intent, where to.")
@click.option("--framework", default="", metavar="NAME", help="Only this framework's controls, such as SOC2.")
@click.option(
    "--entry",
    type=click.IntRange(0),
    metavar="N",
    help="Of a ledger: the promotion in entry N, current or not, or the denial.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([MATRIX, "text", "json", "jsonl"]),
    help="controls is a Markdown matrix for an audit's file.",
)
@QUIET
@PIN
@engine_options
@place_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    subject: Path,
    environment: str,
    framework: str,
    entry: int | None,
    form: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Say which controls of the organisation DECISION meets, by which rules, and with what evidence.

    DECISION is a file of evaluate --format json, an intent with --env, a lock, or a project's directory: then every
    current line of its ledger; with --entry one that was replaced, or a denial. Lines of a lock or a ledger are
    verified first, as verify does.

    A control is met where every rule of it ran and passed, and what it asks to see is there. Which rules belong to
    which control is for the organisation's data to say.

    \b
    bspec-opa report behavior.intent --env staging
    bspec-opa report behavior.lock --framework SOC2 --format controls > soc2.md
    bspec-opa report . --format json
    bspec-opa report . --entry 12
    """
    from bspec_opa.foundation.closed_schema import violations
    from bspec_opa.report.decision.controls import controls_json, controls_markdown, controls_text
    from bspec_opa.report.schemas import SCHEMAS
    from bspec_opa.workflow.controls.auditing import audit

    world, output = open_world(
        runtime, subject, {**options, "output_format": None if form == MATRIX else form}, quiet=quiet
    )
    judged, notes = audit(
        subject,
        world,
        environment=environment,
        framework=framework,
        entry=entry,
        conforms=lambda name, value: [f"{v.pointer} {v.message}" for v in violations(SCHEMAS[name], value, limit=1)],
    )
    if form == MATRIX and not quiet:
        runtime.write(controls_markdown(judged, notes))
        return
    output.show(lambda style: controls_text(judged, notes, style), lambda: controls_json(judged, notes, framework))
