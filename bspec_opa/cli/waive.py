"""``bspec-opa waive``: show what a waiver would lift, and sign exactly that."""

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
from bspec_opa.cli.records import evaluation_of, signer_of

if TYPE_CHECKING:
    from bspec_opa.cli.runtime import Runtime


@click.command("waive", short_help="Waiver-approver: let named findings of a rule pass for a while.")
@INTENT
@ENVIRONMENT
@click.option("--rule", required=True, metavar="ID", help="The one rule.")
@click.option(
    "--finding",
    "findings",
    multiple=True,
    required=True,
    metavar="PATH[=MSG]",
    help="A finding as evaluate shows it: its JSON Pointer, and its message where several have that. Again for more.",
)
@reason_option("Why, for those who read the record.", required=True)
@click.option("--requester", required=True, metavar="PRINCIPAL", help="Who asks for it; not you.")
@click.option("--expires", default="", metavar="TIME", help="When it ends: 2026-07-01T00:00:00Z.")
@click.option("--valid-for", default="", metavar="DURATION", help="Or how long it counts: P30D, PT12H.")
@click.option("--renews", default="", metavar="DIGEST", help="The waiver that this one prolongs.")
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
    rule: str,
    findings: tuple[str, ...],
    reason: str,
    requester: str,
    expires: str,
    valid_for: str,
    renews: str,
    adopting: bool,
    key: str | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Print the findings of RULE that a waiver would lift, and sign it.

    It counts for this intent, binding, base and environment and this source of the rule only, and from when it is
    recorded. Approvals signed before it have to be signed again. bspec-opa waivers lists what there is.

    With --rollback-to it is about going back to that LINE: for its intent and binding, the present base.

    \b
    bspec-opa waive behavior.intent --env staging \\
      --rule global.data.high_tier_logs_full \\
      --finding /constraints/logging/level --reason "log store full" \\
      --requester pat --valid-for P14D --key keys/risk.pem
    bspec-opa waive behavior.intent --env production --rollback-to entry:41 \\
      --rule global.data.high_tier_logs_full \\
      --finding /constraints/logging/level --reason "outage 812" --requester pat \\
      --valid-for P7D
    """
    from bspec_opa.report.record.waivers import intended_text, waived_json, waived_text
    from bspec_opa.workflow.life.waiving import Wish, intend, waive

    session, output = open_about(runtime, intent, environment, options, quiet=quiet)
    wish = Wish(rule, findings, reason, requester, expires, valid_for, renews)
    intended = intend(session, environment, wish, adopting=adopting)
    output.aside(intended_text(intended))
    issued = waive(session, intended, signer_of("approver", key, session))
    steps = [evaluation_of(session, environment, adopting=adopting)]
    output.show(lambda style: waived_text(issued, intended, steps, style), lambda: waived_json(issued, intended, steps))
