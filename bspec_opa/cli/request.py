"""``bspec-opa request``: a promoter asks for a promotion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.going_back import open_about, rollback_options
from bspec_opa.cli.options import ADOPT, ENVIRONMENT, INTENT, KEY, PIN, output_options, place_options, reason_option
from bspec_opa.cli.records import show_issued, signer_of

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("request", short_help="Promoter: sign that it is to be promoted now.")
@INTENT
@ENVIRONMENT
@reason_option("Why now, for those who read the record.", required=False)
@click.option("--valid-for", metavar="DURATION", help="How long it counts: P1D, PT12H [P1D].")
@rollback_options
@ADOPT
@KEY
@PIN
@place_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    intent: str,
    environment: str,
    reason: str,
    valid_for: str | None,
    adopting: bool,
    key: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Sign that exactly this promotion of INTENT, or this rollback, is wanted now.

    \b
    bspec-opa request behavior.intent --env staging --key keys/promoter.pem
    bspec-opa request behavior.intent --env production --rollback-to entry:41 \\
      --reason "outage 812"
    """
    from bspec_opa.workflow.issue import request
    from bspec_opa.workflow.life.going_back import require_emergencies

    session, output = open_about(runtime, intent, environment, options, quiet=quiet)
    require_emergencies(session, environment)
    signer = signer_of("promoter", key, session)
    issued = request(session, environment, signer, reason=reason, valid_for=valid_for, adopting=adopting)
    show_issued(output, issued, session, environment, adopting=adopting)
