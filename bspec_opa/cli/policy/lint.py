"""``bspec-opa policy lint``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.options import QUIET, flags, foundation_options
from bspec_opa.cli.output import JSON, JSON_LINES, TEXT, open_output

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime

_FORMATS = (TEXT, JSON, JSON_LINES, "sarif", "github")


@click.command("lint", short_help="Find what is wrong with policies, and mend what can be mended.")
@click.argument("policies", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--data", type=click.Path(path_type=Path), metavar="FILE", help="The organisation's data.json.")
@click.option(
    "--rules",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Lint rules of your own, and their tests.",
)
@click.option("--ignore", "ignored", multiple=True, metavar="RULE", help="Leave this warning out.")
@click.option("--fail-on-warn", is_flag=True, help="Exit 6 when there are warnings and no error.")
@click.option("--fix", is_flag=True, help="Mend what is mechanical, and lint again.")
@click.option("--dry-run", is_flag=True, help="With --fix: show the mends, write nothing.")
@click.option("--diff", is_flag=True, help="With --fix: show what changed, line by line.")
@foundation_options
@click.option("--format", "form", type=click.Choice(_FORMATS), help="For people, machines and CI systems.")
@QUIET
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    policies: Path | None,
    data: Path | None,
    rules: tuple[Path, ...],
    ignored: tuple[str, ...],
    fail_on_warn: bool,
    fix: bool,
    dry_run: bool,
    diff: bool,
    form: str | None,
    quiet: bool,
    **given: Any,
) -> int:
    """Lint POLICIES: every check of a build, opa check and opa fmt, and rules written in Rego.

    Without POLICIES it takes the project's. Every finding has a rule with a page, a place and what to do. Tests are
    run against silent and against noisy rules, so that a test that proves nothing is found. Exits 3 with an error, 6
    with nothing but warnings and --fail-on-warn.

    \b
    bspec-opa policy lint
    bspec-opa policy lint policies --fix --dry-run
    bspec-opa policy lint --rules team-lint --format sarif > lint.sarif
    """
    from bspec_opa.report.check.interface import Manner
    from bspec_opa.workflow.authors.linting import Order, lint_policies
    from bspec_opa.workflow.authors.policies import find_policies

    if (dry_run or diff) and not fix:
        raise click.UsageError(f"{'--dry-run' if dry_run else '--diff'} shows mends: give --fix, too")
    common = form if form in {TEXT, JSON, JSON_LINES} else None
    output = open_output(runtime, policies or Path(), {"output.format": common}, quiet=quiet)
    output = replace(output, form=form or output.form)
    order = Order(rules, ignored, data, fix=fix, dry=dry_run)
    linted = lint_policies(
        find_policies(policies, runtime.environ, flags(given)), order, runtime.environ, runtime.clock()
    )
    manner = Manner(Path.cwd(), fail_on_warn, style=output.style)
    if output.form in {"sarif", "github"}:
        from bspec_opa.report.lint.foreign import lint_for_machines

        if not quiet:
            runtime.write(lint_for_machines(linted, output.form, manner))
    else:
        from bspec_opa.report.lint.documents import lint_json
        from bspec_opa.report.lint.text import lint_text

        output.show(lambda _: lint_text(linted, manner, diff=diff), lambda: lint_json(linted, manner))
    return int(linted.result.exit_code(fail_on_warn=fail_on_warn))
