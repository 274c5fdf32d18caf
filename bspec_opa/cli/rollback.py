"""``bspec-opa rollback``: redeploy an earlier line as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.going_back import BESIDE, EMERGENCY, open_back
from bspec_opa.cli.options import ENVIRONMENT, PIN, engine_options, output_options, place_options
from bspec_opa.cli.records import signer_of

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("rollback", short_help="Redeploy an earlier line of an environment as it was.")
@click.argument("line", metavar="LINE|LOCK")
@ENVIRONMENT
@EMERGENCY
@BESIDE
@click.option("--gate-key", metavar="KEY", help="The key that signs lock lines and denials.")
@click.option("--ledger-key", metavar="KEY", help="The key that signs the ledger's checkpoint.")
@PIN
@engine_options
@place_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    line: str,
    environment: str,
    emergency: bool,
    intent: str,
    gate_key: str | None,
    ledger_key: str | None,
    quiet: bool,
    **options: Any,
) -> int:
    """Go back to a LINE that was current in an environment: decide, sign a rollback line, append it, write the lock.

    LINE is a line's digest or at least 12 digits of it, or entry:N, as history prints them; or a lock file, whose last
    line of the environment is meant. Intent and binding are the line's own, whatever is in the checkout now. People
    approve and request it with --rollback-to LINE.

    \b
    bspec-opa rollback entry:41 --env production --gate-key keys/gate.pem \\
      --ledger-key keys/ledger.pem
    bspec-opa rollback 5f2b8c0e91aa --env production --emergency
    """
    from bspec_opa.report.record.promotion import Wanted, outcome_json, outcome_text
    from bspec_opa.workflow.promote import Keys, promote

    session, output = open_back(runtime, intent, environment, line, options, emergency=emergency, quiet=quiet)
    keys = Keys(gate=signer_of("gate", gate_key, session), ledger=signer_of("ledger", ledger_key, session))
    outcome = promote(session, environment, keys)
    wanted = Wanted(intent, environment, session.project)
    output.show(lambda style: outcome_text(wanted, outcome, style), lambda: outcome_json(wanted, outcome))
    return int(outcome.evaluation.exit_code) if outcome.evaluation else 0
