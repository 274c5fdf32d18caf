"""``bspec-opa evaluate``: the whole gate for one environment, nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import ENVIRONMENT, INTENT, PIN, engine_options, output_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("evaluate")
@INTENT
@ENVIRONMENT
@click.option("--show-passed", is_flag=True, help="Name the rules that passed, too.")
@click.option("--fail-on-warn", is_flag=True, help="Exit 6 when it is allowed with warnings.")
@PIN
@engine_options
@place_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    intent: str,
    environment: str,
    show_passed: bool,
    fail_on_warn: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Decide whether INTENT may enter an environment; nothing is written.

    Records in the inbox count as if they were in the ledger. Without a trust pin the result is advice.

    \b
    bspec-opa evaluate behavior.intent --env staging
    bspec-opa evaluate behavior.intent --env production --opa-url unix:///run/opa.sock --format json
    """
    from bspec_opa.foundation.errors import ExitCode
    from bspec_opa.report.evaluation_json import evaluation_json
    from bspec_opa.report.next_steps import steps_for
    from bspec_opa.report.text import render_evaluation
    from bspec_opa.workflow.checkout.session import open_session
    from bspec_opa.workflow.evaluate import evaluate

    world, output = open_world(runtime, Path(intent), options, quiet=quiet)
    session = open_session(Path(intent), world, need_pin=False)
    evaluation = evaluate(session, environment)
    steps = steps_for(intent, evaluation, session.project.config, prepared=not session.anchor.starter)
    warned = fail_on_warn and evaluation.decision.warned and evaluation.decision.allowed
    code = ExitCode.WARNED if warned else evaluation.exit_code
    output.show(
        lambda style: render_evaluation(evaluation, steps, style=style, show_passed=show_passed),
        lambda: evaluation_json(evaluation, steps, exit_code=code),
    )
    return int(code)
