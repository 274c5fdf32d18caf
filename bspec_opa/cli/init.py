"""``bspec-opa init``: a project by risk tier."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bspec_opa.cli.options import output_options
from bspec_opa.cli.output import plain_output

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("init", short_help="Write what a project, or one more agent, needs.")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option("--id", "agent", default="my-agent", show_default=True, help="The agent's id, for a new intent.")
@click.option(
    "--tier",
    type=click.Choice(["low", "medium", "high"]),
    default="low",
    show_default=True,
    help="How risky, for a new intent.",
)
@click.option("--trial-keys", is_flag=True, help="Make a key for every role here, to try things out on one machine.")
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    directory: Path,
    agent: str,
    tier: str,
    trial_keys: bool,
    output_format: str | None,
    quiet: bool,
) -> None:
    """Write what a project needs into DIRECTORY; files that are there are left alone.

    An intent by risk tier (or around the behavior.intent that is there), bspec-opa.toml, trust.yaml, a catalog,
    results to fill in (counts, log, times), a CI example and .gitattributes.

    Below a project that is there already (a bspec-opa.toml further up) one more agent is added to it: intent,
    components, results and its part of the catalog. What trust.yaml lacks for it is printed.

    \b
    bspec-opa init my-agent --id my-agent --tier low --trial-keys
    bspec-opa init . --trial-keys
    bspec-opa init agents/triage --id triage
    """
    from bspec_opa.report.scaffold import scaffold_json, scaffold_text
    from bspec_opa.workflow.starting.scaffold_member import scaffold_anywhere

    output = plain_output(runtime, directory, output_format, quiet=quiet)
    made = scaffold_anywhere(directory, agent, tier, trial_keys=trial_keys, environ=runtime.environ)
    output.show(lambda style: scaffold_text(made, style), lambda: scaffold_json(made))
