"""``bspec-opa submit``: an author submits an intent with its binding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.options import INTENT, KEY, PIN, output_options, place_options
from bspec_opa.cli.records import open_signed, show_issued, signer_of

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("submit", short_help="Author: sign that this is what you want promoted.")
@INTENT
@KEY
@PIN
@place_options
@output_options
@click.pass_obj
def command(runtime: Runtime, /, intent: str, key: str | None, quiet: bool, **options: Any) -> None:
    """Sign that this INTENT, bound to these artifacts, is what you want promoted.

    \b
    bspec-opa submit behavior.intent --key keys/author.pem
    """
    from bspec_opa.workflow.issue import submit

    session, output = open_signed(runtime, intent, options, quiet=quiet)
    issued = submit(session, signer_of("author", key, session))
    show_issued(output, issued, session)
