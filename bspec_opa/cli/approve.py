"""``bspec-opa approve``: show what would be promoted, and sign exactly that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.going_back import open_about, rollback_options
from bspec_opa.cli.options import (
    ADOPT,
    ENVIRONMENT,
    INTENT,
    KEY,
    PIN,
    engine_options,
    output_options,
    place_options,
    reason_option,
)
from bspec_opa.cli.records import show_issued, signer_of

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("approve", short_help="Approver: see what would be promoted, and sign.")
@INTENT
@ENVIRONMENT
@click.option("--role", required=True, help="The one role that you speak for.")
@click.option("--reject", is_flag=True, help="Sign a reject; it stands until you approve the same.")
@reason_option("Why, for those who read the record.", required=False)
@click.option("--valid-for", metavar="DURATION", help="How long it counts: P7D, PT12H [the intent's approval_ttl].")
@rollback_options
@ADOPT
@KEY
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
    role: str,
    reject: bool,
    reason: str,
    valid_for: str | None,
    adopting: bool,
    key: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Print what would be promoted (change, artifacts, evidence, warnings) and sign that you approve it.

    The digest of what was printed is in the signature: an approval of something else does not count.

    \b
    bspec-opa approve behavior.intent --env staging --role environment-admin \\
      --key keys/admin.pem
    bspec-opa approve behavior.intent --env staging --role security --reject \\
      --reason "no probe" --key keys/sam.pem
    bspec-opa approve behavior.intent --env production --role environment-admin \\
      --rollback-to entry:41
    """
    from bspec_opa.report.record.texts import differences_text
    from bspec_opa.report.record.view import view_text
    from bspec_opa.workflow.checkout.texts import text_changes
    from bspec_opa.workflow.evaluate import decide
    from bspec_opa.workflow.issue import Approval, approve, promotable
    from bspec_opa.workflow.life.going_back import require_emergencies

    session, output = open_about(runtime, intent, environment, options, quiet=quiet)
    if not reject:
        require_emergencies(session, environment)
    situation = promotable(session, environment, adopting=adopting)
    changes = text_changes(session.project, situation, session.objects)
    output.aside(differences_text(changes) + view_text(situation, decide(session, situation)))
    approval = Approval(role, reject, reason, valid_for)
    issued = approve(session, situation, approval, signer_of("approver", key, session))
    show_issued(output, issued, session, environment, adopting=adopting)
