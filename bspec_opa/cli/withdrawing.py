"""What revoke and retire have in common: a project, two signers, and what somebody should do next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bspec_opa.cli.options import reason_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.life.recording import Opened

_OPTIONS = (
    reason_option("Why, for those who deploy and for auditors.", required=True),
    click.option("--key", metavar="KEY", help="The signing key: a file, file:PATH, envvar:NAME or a KMS URI."),
    click.option("--ledger-key", metavar="KEY", help="The key that signs the ledger's checkpoint: in force at once."),
    click.option("--sign-only", is_flag=True, help="Leave it in the inbox, where it is not in force until recorded."),
    click.option(
        "--project",
        "directory",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        default=".",
        help="The project [.].",
    ),
)


def withdrawing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Why, with which keys, and where."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def signers(role: str, opened: Opened, options: dict[str, Any]) -> tuple[Signer, Signer | None]:
    """The person's signer and the ledger's; takes the options out.

    Raises:
        UsageError: a key is missing. What is signed and left in the inbox is in force nowhere, so that has to be asked
            for.
    """
    from bspec_opa.workflow.checkout.keys import signer_for

    key, ledger_key, sign_only = (options.pop(name) for name in ("key", "ledger_key", "sign_only"))
    if sign_only and ledger_key is not None:
        raise click.UsageError("--sign-only needs no --ledger-key")
    config, environ = opened.project.config, opened.world.environ
    signer = signer_for(role, key, config, environ)
    return signer, None if sign_only else signer_for("ledger", ledger_key, config, environ)


def steps(agent: str, *, in_force: bool, stop: bool) -> list[str]:
    """What comes next: recording it, or seeing what it changed."""
    from shlex import quote

    if not in_force:
        return ["bspec-opa record behavior.intent --ledger-key KEY"]
    return [f"bspec-opa history {quote(agent)}", *(["bspec-opa verify behavior.lock"] if stop else [])]
