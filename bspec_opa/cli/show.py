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
@output_options
@click.pass_obj
def command(runtime: Runtime, lock: Path, output_format: str | None, quiet: bool) -> None:
    """Render LOCK line by line. Nothing is verified: bspec-opa verify does that.

    \b
    bspec-opa show behavior.lock
    git config diff.behavior-lock.textconv "bspec-opa show"
    """
    from bspec_opa.report.lock import lock_json, lock_text
    from bspec_opa.workflow.showing import open_lock

    output = plain_output(runtime, lock, output_format, quiet=quiet)
    lines = open_lock(lock)
    output.show(lambda style: lock_text(lines, style), lambda: lock_json(lines))
