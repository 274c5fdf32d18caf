"""``bspec-opa doctor``: is everything in place, and what to do where it is not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, engine_options, output_options, place_options

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("doctor", short_help="Check engine, bundle, trust root, clock and more.")
@click.option(
    "--project",
    "directory",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=".",
    help="The project [.].",
)
@click.option("--repair-ledger", is_flag=True, help="Move lines that no checkpoint covers aside, unsigned.")
@PIN
@engine_options
@place_options
@output_options
@click.pass_obj
def command(runtime: Runtime, /, directory: Path, repair_ledger: bool, quiet: bool, **options: Any) -> int:
    """Check engine, versions, bundle, pin, trust root, clock, ledger and memory; each finding with its remedy.

    READY and NOT AUTHENTICATED (no trust root is pinned: evaluate answers, all that signs, promotes or verifies
    refuses) exit 0, NOT READY exits as a promotion would.

    \b
    bspec-opa doctor
    bspec-opa doctor --repair-ledger
    """
    from bspec_opa.report.doctor import doctor_json, doctor_text
    from bspec_opa.workflow.doctor import examine, exit_code_of

    world, output = open_world(runtime, directory, options, quiet=quiet)
    findings = examine(directory, world, repair=repair_ledger)
    code = exit_code_of(findings)
    output.show(lambda style: doctor_text(findings, style), lambda: doctor_json(findings, code))
    return int(code)
