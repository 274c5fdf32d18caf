"""``bspec-opa promote``: decide, record, and emit the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.options import ENVIRONMENT, HEAD, INTENT, PIN, engine_options, output_options, place_options
from bspec_opa.cli.records import open_signed, signer_of

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("promote", short_help="Decide, record, and write behavior.lock.")
@INTENT
@ENVIRONMENT
@click.option("--gate-key", metavar="KEY", help="The key that signs lock lines and denials.")
@click.option("--ledger-key", metavar="KEY", help="The key that signs the ledger's checkpoint.")
@click.option("--head-key", metavar="KEY", help="The head key: the head statement is made anew.")
@HEAD
@PIN
@engine_options
@place_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    intent: str,
    environment: str,
    gate_key: str | None,
    ledger_key: str | None,
    head_key: str | None,
    quiet: bool,
    **options: Any,
) -> int:
    """Promote INTENT into an environment: sequence its records, decide, sign a line, append it, write behavior.lock.

    A denial is recorded, too. What is current already is left alone.

    \b
    bspec-opa promote behavior.intent --env staging --gate-key keys/gate.pem \\
      --ledger-key keys/ledger.pem
    """
    from bspec_opa.report.record.promotion import Wanted, outcome_json, outcome_text
    from bspec_opa.workflow.promote import Keys, promote

    session, output = open_signed(runtime, intent, options, quiet=quiet)
    named = head_key is not None or session.project.config.text("signing.head") is not None
    keys = Keys(
        gate=signer_of("gate", gate_key, session),
        ledger=signer_of("ledger", ledger_key, session),
        head=signer_of("head", head_key, session) if named else None,
    )
    outcome = promote(session, environment, keys)
    declared = session.loaded.intent.promotion
    following = tuple(e.id for e in session.anchor.root.environments if e.from_ == environment and e.id in declared)
    wanted = Wanted(intent, environment, session.project, following)
    output.show(lambda style: outcome_text(wanted, outcome, style), lambda: outcome_json(wanted, outcome))
    return int(outcome.evaluation.exit_code) if outcome.evaluation else 0
