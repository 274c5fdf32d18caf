"""``bspec-opa trust revoke``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.opening import open_world
from bspec_opa.cli.options import PIN, output_options, reason_option
from bspec_opa.cli.trust.options import (
    DIRECTORY,
    TARGET,
    VALID_FOR,
    change_options,
    draft,
    show_draft,
    take_changes,
)

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.cli.runtime import Runtime


@click.command("revoke", short_help="Draft the next version with a key or record revoked.")
@click.argument("what", metavar="KEY|RECORD")
@reason_option("Why, for those who sign and for auditors.", required=True)
@click.option(
    "--mode",
    required=True,
    type=click.Choice(["retired", "compromised"]),
    help="Out of use, or in other hands: then what was decided on it after --last-good is void, too.",
)
@click.option(
    "--last-good",
    metavar="SIZE:ROOT",
    help="The last good tree head; SIZE alone: the ledger's own at that size; none: it never counted [retired: now].",
)
@change_options
@VALID_FOR
@TARGET
@DIRECTORY
@PIN
@output_options
@click.pass_obj
def command(
    runtime: Runtime,
    /,
    what: str,
    reason: str,
    mode: str,
    last_good: str | None,
    valid_for: str | None,
    target: Path | None,
    directory: Path,
    quiet: bool,
    **options: Any,
) -> None:
    """Write the next version of the trust root, unsigned, with a key or a record revoked.

    KEY is a public PEM file or the first digits of a key's id, RECORD the digest of a record or of a lock line.
    What the key signed before that place in the ledger keeps counting, nothing after it does. A key that is revoked
    stays listed, or its past would be nobody's; a new one comes beside it with --add-key, --add-ledger-key or
    --add-root-key.

    \b
    bspec-opa trust revoke keys/eve.pub.pem --reason "left the team" \\
      --mode retired
    bspec-opa trust revoke keys/gate.pub.pem --reason "CI was broken into" \\
      --mode compromised --last-good 41 --add-key gate keys/gate-2.pub.pem
    """
    from bspec_opa.workflow.checkout.keys import revocable
    from bspec_opa.workflow.roots.retiring import Wish
    from bspec_opa.workflow.roots.rotating import trusted_roots

    changes = take_changes(options)
    world, output = open_world(runtime, directory, options, quiet=quiet)
    _, roots = trusted_roots(directory, world)
    wish = Wish(revocable(what, roots[-1]), reason, mode, last_good)
    drafted = draft(directory, world, changes, wishes=[wish], valid_for=valid_for, target=target)
    show_draft(output, drafted, world.now)
