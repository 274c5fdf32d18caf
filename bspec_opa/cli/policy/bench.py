"""``bspec-opa policy bench``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.options import flags, foundation_options, output_options
from bspec_opa.cli.output import plain_output

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime

MAX_REPEAT = 10_000


@click.command("bench", short_help="Measure what each rule costs, the slowest first.")
@click.argument("policies", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="What normalize printed, a file or a directory; may be given again [the fixtures of tests].",
)
@click.option("--repeat", type=click.IntRange(1, MAX_REPEAT), default=20, metavar="N", help="Rounds [20].")
@click.option("--top", type=click.IntRange(1), default=20, metavar="N", help="Rules that text shows [20].")
@foundation_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    policies: Path | None,
    inputs: tuple[Path, ...],
    repeat: int,
    top: int,
    output_format: str | None,
    quiet: bool,
    **given: Any,
) -> None:
    """Build POLICIES, load them into a real OPA and measure every rule. Without POLICIES: the project's.

    The times are OPA's own for the evaluation alone, the median of the rounds, and depend on the machine: compare
    rules with each other, not with yesterday.

    \b
    bspec-opa policy bench
    bspec-opa policy bench --input inputs/ --repeat 100
    """
    from bspec_opa.report.authoring.bench import bench_json, bench_text
    from bspec_opa.workflow.authors.bench import bench_policies

    output = plain_output(runtime, Path(), output_format, quiet=quiet)
    bundle, costs = bench_policies(policies, runtime.environ, flags(given), inputs, repeat)
    output.show(lambda style: bench_text(bundle, costs, top, style), lambda: bench_json(bundle, costs))
