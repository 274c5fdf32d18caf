"""``bspec-opa attest``: an evaluator signs the result of an evaluation run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.options import ENVIRONMENT, INTENT, KEY, PIN, output_options, place_options
from bspec_opa.cli.records import open_signed, show_issued, signer_of

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("attest", short_help="Evaluator: sign the result of an evaluation run.")
@INTENT
@ENVIRONMENT
@click.option("--result", required=True, type=click.Path(path_type=Path), help="A bspec.evaluation-result/v1 file.")
@KEY
@PIN
@place_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime, /, intent: str, environment: str, result: Path, key: str | None, quiet: bool, **options: Any
) -> None:
    """Sign the result of an evaluation run over exactly this INTENT's surface and binding.

    \b
    bspec-opa attest behavior.intent --env staging \\
      --result results/boundary.json --key keys/evaluator.pem
    """
    from bspec_opa.workflow.issue import attest

    session, output = open_signed(runtime, intent, options, quiet=quiet)
    issued = attest(session, environment, result, signer_of("evaluator", key, session))
    show_issued(output, issued, session, environment)
