"""Every waiver of an agent, environment by environment, with what it does now and why it does nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.workflow.evaluate import decide, situation_of
from bspec_opa.workflow.facts.waivers import standings

if TYPE_CHECKING:
    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.facts.evaluation import Rejected
    from bspec_opa.workflow.facts.waivers import Standing


@dataclass(frozen=True, slots=True)
class Waivers:
    """The waivers of an agent.

    Attributes:
        agent: whose.
        environments: each that was asked about, with its waivers in the order of the ledger.
        rejected: what does not even verify, such as a waiver whose signer's key was revoked.
        notes: what was not checked.
    """

    agent: str
    environments: tuple[tuple[str, tuple[Standing, ...]], ...]
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]


def waivers_in(session: Session, environment: str = "") -> Waivers:
    """Judge every waiver as the next decision would; the inbox counts as if it were sequenced.

    Args:
        session: the agent's.
        environment: only this one; all that the intent declares if empty.

    Raises:
        InvalidInputError: the environment is not known.
        EngineError: no usable answer.
    """
    declared = session.loaded.intent.promotion
    known = [e.id for e in session.anchor.root.environments if e.id in declared]
    names = [session.environment(environment).id] if environment else known
    retired = session.history.withdrawals.retired
    gone = [] if environment else [f"{session.agent} in {n} {retired[n].said}" for n in names if n in retired]
    names = names if environment else [n for n in names if n not in retired]
    every = (*session.history.rejected, *session.inbox.rejected)
    return Waivers(
        session.agent,
        tuple((name, _standings(session, name)) for name in names),
        tuple({(r.id, r.code): r for r in every if r.type == "waiver"}.values()),
        (*session.notes, *gone),
    )


def _standings(session: Session, name: str) -> tuple[Standing, ...]:
    situation = situation_of(session, session.environment(name), with_inbox=True)
    if not situation.waivers:
        return ()
    return standings(situation, decide(session, situation).decision)
