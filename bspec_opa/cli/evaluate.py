"""``bspec-opa evaluate``: the whole gate for one environment, nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from bspec_opa.cli.going_back import open_judged, rollback_options, taken
from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import ADOPT, ENVIRONMENT, INTENTS, JOBS, PIN, engine_options, output_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.output import Output
    from bspec_opa.cli.runtime import Runtime
    from bspec_opa.workflow.checkout.session import Session


@click.command("evaluate", short_help="Decide whether an intent may enter an environment.")
@INTENTS
@ENVIRONMENT
@click.option("--show-passed", is_flag=True, help="Name the rules that passed, too; of a single intent.")
@click.option("--fail-on-warn", is_flag=True, help="Exit 6 when it is allowed with warnings.")
@JOBS
@rollback_options
@ADOPT
@PIN
@engine_options
@place_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    intents: tuple[str, ...],
    environment: str,
    show_passed: bool,
    fail_on_warn: bool,
    jobs: int | None,
    adopting: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Decide whether an INTENT may enter an environment; nothing is written.

    Records in the inbox count as if they were in the ledger. Without a trust pin the result is advice.

    Of several intents, or a directory with *.intent files in it, each is judged on its own and shown shortly, in
    order. The exit code is that of the worst.

    \b
    bspec-opa evaluate behavior.intent --env staging
    bspec-opa evaluate behavior.intent --env production \\
      --opa-url unix:///run/opa.sock --format json
    bspec-opa evaluate agents/ --env staging --format jsonl
    bspec-opa evaluate behavior.intent --env production --rollback-to entry:41
    bspec-opa evaluate behavior.intent --env production --adopt
    """
    from bspec_opa.foundation.files import is_directory

    back = taken(options)
    one = len(intents) == 1 and not is_directory(Path(intents[0]))
    if (back[0] is not None or adopting) and not one:
        flag = "--adopt" if adopting else "--rollback-to"
        raise click.UsageError(f"{flag} is about one agent: name one intent")
    # A broken configuration beside one of several intents is that intent's fault only.
    start = Path(intents[0]) if len(intents) == 1 else Path()
    world, output = open_world(runtime, start, options, quiet=quiet)
    if one:
        session = open_judged(Path(intents[0]), environment, world, back)
        wanted = _Wanted(intents[0], environment, adopting, show_passed, fail_on_warn)
        return _one(wanted, session, output)
    from bspec_opa.cli.evaluating import evaluate_many

    return evaluate_many(map(Path, intents), environment, world, output, jobs=jobs, fail_on_warn=fail_on_warn)


class _Wanted(NamedTuple):
    """What was asked about one intent."""

    intent: str
    environment: str
    adopting: bool
    show_passed: bool
    fail_on_warn: bool


def _one(wanted: _Wanted, session: Session, output: Output) -> int:
    from bspec_opa.report.decision.evaluation_json import evaluation_json
    from bspec_opa.report.decision.next_steps import steps_for
    from bspec_opa.report.decision.text import render_evaluation
    from bspec_opa.workflow.evaluate import evaluate

    evaluation = evaluate(session, wanted.environment, adopting=wanted.adopting)
    steps = steps_for(wanted.intent, evaluation, session.project, prepared=not session.anchor.starter)
    code = evaluation.exit_code_of(fail_on_warn=wanted.fail_on_warn)
    output.show(
        lambda style: render_evaluation(evaluation, steps, style=style, show_passed=wanted.show_passed),
        lambda: evaluation_json(evaluation, steps, exit_code=code),
    )
    return int(code)
