"""``bspec-opa policy impact``: what a candidate bundle would change."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import JOBS, PIN, NamedPath, output_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("impact", short_help="Compare a candidate bundle with the one in use, on recorded inputs.")
@click.argument("candidate", type=NamedPath(path_type=str))
@click.argument("inputs", nargs=-1, type=NamedPath(path_type=Path))
@click.option("--against", metavar="BUNDLE", help="The bundle in use [the configured one].")
@click.option("--ledger", type=NamedPath(path_type=Path), metavar="DIR", help="The decisions of this ledger, too.")
@click.option("--all", "every", is_flag=True, help="Older inputs of the same agent and environment, too.")
@click.option("--fail-on-new-denials", is_flag=True, help="Exit 4 when something would newly be denied.")
@JOBS
@PIN
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    candidate: str,
    inputs: tuple[Path, ...],
    against: str | None,
    ledger: Path | None,
    every: bool,
    fail_on_new_denials: bool,
    jobs: int | None,
    quiet: bool,
    **options: Any,
) -> int:
    """Decide recorded inputs with CANDIDATE beside the bundle in use, and show what differs, rule by rule.

    CANDIDATE is a bundle, a shipped one's name, or a folder of policies, which is built with the real OPA. INPUTS are
    what normalize --env prints, stored objects, and directories of them; without any, every promotion and denial of
    the project's ledger. Of each agent and environment the newest input counts.

    A new denial is an input that is denied by CANDIDATE and is allowed, warned or only pending now. What can't be
    compared is listed and makes the exit code 3, 7 or 8.

    \b
    bspec-opa policy impact bundles/next.tar.gz
    bspec-opa policy impact policies --against default inputs/ \\
      --fail-on-new-denials
    bspec-opa policy impact next.tar.gz --ledger .bspec/ledger --all --format json
    """
    from bspec_opa.cli.many import handled
    from bspec_opa.report.decision.impact import Impact, impact_json, render_impact
    from bspec_opa.workflow.impact.comparing import comparing
    from bspec_opa.workflow.impact.impact import Wanted, prepare

    world, output = open_world(runtime, Path(), options, quiet=quiet)
    with prepare(Wanted(candidate, against, inputs, ledger, every), world) as prepared:
        impact = Impact(prepared, fail_on_new_denials)
        items = prepared.chosen.items
        with handled(partial(comparing, prepared.task), items, output, jobs=jobs, doing="comparing") as results:
            for item, found in zip(items, results, strict=True):
                impact.add(item.name, found)
    output.show(lambda style: render_impact(impact, style=style), lambda: impact_json(impact))
    return int(impact.exit_code)
