"""``bspec-opa revoke``: a lock line or a record counts no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, output_options, place_options
from bspec_opa.cli.withdrawing import signers, steps, withdrawing_options

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.cli.runtime import Runtime


@click.command("revoke", short_help="Revoke a lock line, approval, run, submit or request, at once.")
@click.argument("what", metavar="LINE|RECORD")
@click.option(
    "--mode",
    type=click.Choice(["retired", "compromised"]),
    default="retired",
    show_default=True,
    help="No longer right, or never genuine: then every line that rests on it is void, too.",
)
@withdrawing_options
@PIN
@place_options
@output_options
@click.pass_obj
def command(
    runtime: Runtime, /, what: str, mode: str, reason: str, directory: Path, quiet: bool, **options: Any
) -> None:
    """Sign a revocation and append it to the ledger: from that entry on nothing may rest on LINE or RECORD.

    LINE is a lock line's digest, RECORD a record's id, or either is entry:N of the ledger. verify refuses a line that
    is revoked, with and without --deployed; approvals, evidence, requests and submits that are revoked count no more.
    What was decided before stays explainable and replays. It can't be taken back. A key is revoked with trust revoke.

    \b
    bspec-opa revoke sha256:… --reason "wrong prompt" --key keys/promoter.pem
    bspec-opa revoke entry:13 --reason "evidence was made up" --mode compromised
    """
    from bspec_opa.report.record.withdrawal import revoked_json, revoked_text
    from bspec_opa.workflow.life.recording import open_authentic
    from bspec_opa.workflow.life.revoking import find_target, revoke

    keys = {name: options.pop(name) for name in ("key", "ledger_key", "sign_only")}
    world, output = open_world(runtime, directory, options, quiet=quiet)
    opened = open_authentic(directory, world)
    target = find_target(opened, what)
    done = revoke(opened, target, mode, reason, signers("revoker", opened, keys))
    following = steps(target.agent, in_force=done.put.entry >= 0, stop=bool(target.line))
    output.show(lambda style: revoked_text(done, following, style), lambda: revoked_json(done, following))
