"""``bspec-opa policy new``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.bundle.contract.definitions import NEEDS, SEVERITIES
from bspec_opa.cli.options import flags, foundation_options, output_options
from bspec_opa.cli.output import plain_output

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("new", short_help="Write a rule, its METADATA and a failing test.")
@click.argument("rule")
@click.option("--title", default="", metavar="TEXT", help="The rule's title [made from its name].")
@click.option("--code", default="", metavar="CODE", help="Its short code, such as PAY-01 [the next ORG-…].")
@click.option("--severity", type=click.Choice(SEVERITIES), default="high", help="How bad a denial is [high].")
@click.option("--warn", is_flag=True, help="The rule warns instead of denying.")
@click.option("--pending", type=click.Choice(NEEDS), help="What would lift a denial.")
@foundation_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    rule: str,
    title: str,
    code: str,
    severity: str,
    warn: bool,
    pending: str | None,
    output_format: str | None,
    quiet: bool,
    **given: Any,
) -> None:
    """Write RULE: global/<collection>/<rule> or promotion/<all or environment>/<rule>.

    The rule compiles and its test fails, so that the first thing to do is to say what the rule finds. In an empty
    directory bspec-opa.toml is written, too: the pack stands on the shipped bundle, pinned by its revision. Nothing is
    ever overwritten.

    \b
    bspec-opa policy new global/tools/no_shell --owner team:payments
    bspec-opa policy new promotion/production/second_look --pending approval
    """
    from bspec_opa.report.authoring.new import new_json, new_text
    from bspec_opa.workflow.authors.new import Wanted, new_rule

    if warn and pending:
        raise click.UsageError("a warning denies nothing, so nothing can be pending: leave out --warn or --pending")
    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    made = new_rule(Wanted(rule, title, code, severity, warn, pending or ""), runtime.environ, flags(given))
    output.show(lambda style: new_text(made, style), lambda: new_json(made))
