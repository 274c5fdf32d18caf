"""``bspec-opa record``: put the inbox's records into the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.options import INTENT, PIN, output_options, place_options
from bspec_opa.cli.records import open_signed, signer_of

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("record", short_help="Put verified records from the inbox into the ledger.")
@INTENT
@click.option("--ledger-key", metavar="KEY", help="The key that signs the ledger's checkpoint.")
@PIN
@place_options
@output_options
@click.pass_obj
def command(runtime: Runtime, /, intent: str, ledger_key: str | None, quiet: bool, **options: Any) -> None:
    """Sequence the verified records about INTENT's agent: from then on they can't be taken back.

    \b
    bspec-opa record behavior.intent --ledger-key keys/ledger.pem
    """
    from bspec_opa.report.record.records import sequenced_json, sequenced_text
    from bspec_opa.workflow.sequence import record_inbox
    from bspec_opa.workflow.witness.cosigning import try_witnessing

    session, output = open_signed(runtime, intent, options, quiet=quiet)
    done = record_inbox(session, signer_of("ledger", ledger_key, session))
    try_witnessing(session)
    rejected, size = session.inbox.rejected, done.ledger.size
    output.show(
        lambda style: sequenced_text(done.added, rejected, size, style),
        lambda: sequenced_json(done.added, rejected, size),
    )
