"""``bspec-opa explain``: why a rule decided as it did, and what would lift it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, NamedPath, engine_options, output_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("explain", short_help="Why a rule decided as it did, and what would lift it.")
@click.argument("decision", type=NamedPath(path_type=str))
@click.argument("rule", required=False)
@click.option("--env", "environment", metavar="ENV", help="The target environment of an intent [the intent alone].")
@PIN
@engine_options
@place_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    decision: str,
    rule: str | None,
    environment: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Explain why RULE, or every rule that found something, decided as it did in a DECISION.

    DECISION is an intent, decided now; entry:N, a record's id or a line's digest of the ledger, decided again with its
    own input and bundle; or a file that normalize --env printed. RULE is an id or a code.

    Shown are the place in the intent, the Rego that fired, the values that it saw where an OPA is there, what to do,
    and the smallest set of approvals and evidence that would turn a pending decision into an allow. Explaining is not
    deciding: the exit code is 0.

    \b
    bspec-opa explain behavior.intent --env staging
    bspec-opa explain behavior.intent promotion.all.approvals --env production
    bspec-opa explain entry:41 --format json
    """
    from bspec_opa.report.decision.explain import explanation_json, render_explanation
    from bspec_opa.workflow.explain.explain import explain
    from bspec_opa.workflow.recorded.decisions import names_a_record

    start = Path() if names_a_record(decision) else Path(decision)
    world, output = open_world(runtime, start, options, quiet=quiet)
    found = explain(decision, rule, environment, world)
    output.show(lambda style: render_explanation(found, style=style), lambda: explanation_json(found))
