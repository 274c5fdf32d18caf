"""``bspec-opa policy test``."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli import failing
from bspec_opa.cli.options import QUIET, flags, foundation_options
from bspec_opa.cli.output import JSON_LINES, TEXT, plain_output
from bspec_opa.foundation.errors import BspecError

if TYPE_CHECKING:
    from bspec_opa.authoring.testing.model import Run
    from bspec_opa.cli.output import Output
    from bspec_opa.cli.runtime import Runtime

JUNIT = "junit"


@click.command("test", short_help="Run the tests of rules; show what differs and what no test reaches.")
@click.argument("policies", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--run", "pattern", default="", metavar="REGEX", help="Run only these tests; coverage is not measured.")
@click.option(
    "--min-coverage",
    "minimum",
    type=click.IntRange(0, 100),
    default=100,
    metavar="PERCENT",
    help="The share of your lines that tests must reach [100].",
)
@click.option("--watch", is_flag=True, help="Run again whenever a file changes, until Ctrl-C.")
@click.option(
    "--format",
    "form",
    type=click.Choice([TEXT, "json", JSON_LINES, JUNIT]),
    help="How results are printed; for people, machines and CI systems.",
)
@foundation_options
@QUIET
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    policies: Path | None,
    pattern: str,
    minimum: int,
    watch: bool,
    form: str | None,
    quiet: bool,
    **given: Any,
) -> int:
    """Check POLICIES as a build does, then run their tests with the real OPA. Without POLICIES: the project's.

    A failing test shows which items of the two sets differ. Nothing is green without proof: each rule needs a test that
    ran, a table a case, and every line of yours a test that reaches it.

    Exits 0 all passed, 3 refused by the checks or nothing proven, 4 a test failed or too little is covered.

    \b
    bspec-opa policy test
    bspec-opa policy test --watch
    bspec-opa policy test --format junit > policies.xml
    """
    from bspec_opa.authoring.testing.running import Demand
    from bspec_opa.workflow.authors.testing import run_policy_tests, snapshot
    from bspec_opa.workflow.authors.testing import watch as watching

    output = plain_output(runtime, Path(), None if form == JUNIT else form, quiet=quiet)
    output = replace(output, form=form or output.form)
    keys, demand = flags(given), Demand(minimum, pattern)
    if not watch:
        return _show(run_policy_tests(policies, runtime.environ, keys, demand), output)
    if output.form not in {TEXT, JSON_LINES}:
        raise click.UsageError("--watch prints one result after another: give --format text or jsonl")
    codes = [0]

    def once() -> None:
        try:
            codes.append(_show(run_policy_tests(policies, runtime.environ, keys, demand), output))
        except BspecError as e:
            codes.append(failing.report(e, runtime, output.form))
        runtime.flush()
        output.aside("watching; Ctrl-C ends it\n")

    try:
        watching(lambda: snapshot(policies, runtime.environ), once, time.sleep)
    except KeyboardInterrupt:
        output.aside("\n")
    return codes[-1]


def _show(run: Run, output: Output) -> int:
    from bspec_opa.report.authoring.junit import run_junit
    from bspec_opa.report.authoring.tests import run_json, run_text

    if output.form == JUNIT:
        if not output.quiet:
            output.runtime.write(run_junit(run))
    else:
        output.show(lambda style: run_text(run, style), lambda: run_json(run))
    return int(run.exit_code)
