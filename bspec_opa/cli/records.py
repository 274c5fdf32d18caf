"""What submit, attest, approve and request have in common: a session with a pin, a signer, and the result's text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bspec_opa.cli.opening import open_world

if TYPE_CHECKING:
    from bspec_opa.cli.output import Output
    from bspec_opa.cli.runtime import Runtime
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.issue import Issued


def open_signed(runtime: Runtime, intent: str, options: dict[str, Any], *, quiet: bool) -> tuple[Session, Output]:
    """A session whose trust root is authenticated; whoever signs must know what the record will be judged by."""
    from bspec_opa.workflow.checkout.session import open_session

    world, output = open_world(runtime, Path(intent), options, quiet=quiet)
    return open_session(Path(intent), world, need_pin=True), output


def signer_of(role: str, key: str | None, session: Session) -> Signer:
    """The signer for a role: ``--key`` or the configuration's."""
    from bspec_opa.workflow.checkout.keys import signer_for

    return signer_for(role, key, session.project.config, session.world.environ)


def evaluation_of(session: Session, environment: str, *, adopting: bool = False) -> str:
    """The command that evaluates what was signed about: a promotion, a rollback or an adoption."""
    from shlex import quote

    from bspec_opa.report.decision.rolling import flags_of

    about = " --adopt" if adopting else flags_of(session.rollback)
    return f"bspec-opa evaluate {quote(str(session.file))} --env {quote(environment)}{about}"


def show_issued(
    output: Output, issued: Issued, session: Session, environment: str = "", *, adopting: bool = False
) -> None:
    """Say what was signed, by whom, and where it lies; the next step is to see what is still missing.

    A record about no environment is followed by those that nothing is promoted from.
    """
    from bspec_opa.report.record.records import issued_json, issued_text

    declared = session.loaded.intent.promotion
    first = [e.id for e in session.anchor.root.environments if not e.from_ and e.id in declared]
    environments = [environment] if environment else first
    steps = [evaluation_of(session, e, adopting=adopting) for e in environments]
    output.show(lambda style: issued_text(issued, steps, style), lambda: issued_json(issued, steps))
