"""``bspec-opa show``: a lock for people; works as a git textconv."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bspec_opa.cli.options import output_options
from bspec_opa.cli.output import plain_output

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("show", short_help="Show a lock, line by line.")
@click.argument("lock", type=click.Path(path_type=Path), default="behavior.lock")
@click.option("--deployed", metavar="ENV", help="Print what a deployment of ENV's last line has to report.")
@output_options
@click.pass_obj
def command(runtime: Runtime, lock: Path, deployed: str | None, output_format: str | None, quiet: bool) -> None:
    """Render LOCK line by line. Nothing is verified: bspec-opa verify does that.

    With --deployed the document bspec.deployed/v1 that a deployment of exactly that line writes: a pattern to begin
    from. What is compared later has to come from what runs, or nothing is compared.

    \b
    bspec-opa show behavior.lock
    bspec-opa show behavior.lock --deployed production > deployed.json
    git config diff.behavior-lock.textconv "bspec-opa show"
    """
    from bspec_opa.report.record.lock import lock_json, lock_text
    from bspec_opa.report.writing.printable import render_json
    from bspec_opa.workflow.verifying.deployed import expected_of
    from bspec_opa.workflow.verifying.showing import last_line, open_lock

    output = plain_output(runtime, lock, output_format, quiet=quiet)
    if deployed is not None:
        document = expected_of(last_line(lock, deployed))
        output.show(lambda _: render_json(document), lambda: document)
        return
    lines = open_lock(lock)
    output.show(lambda style: lock_text(lines, style), lambda: lock_json(lines))
