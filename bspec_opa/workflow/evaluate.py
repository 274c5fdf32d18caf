"""The whole gate for one environment; nothing is written."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from bspec_opa.gate.floor import with_floor
from bspec_opa.gate.request import NONCE_BYTES, build_request
from bspec_opa.intent.load import load_intent
from bspec_opa.workflow.checkout.accepting import require_accepted
from bspec_opa.workflow.checkout.deciding import ask, open_panel
from bspec_opa.workflow.checkout.resolving import read_catalogs, read_resolved, withdrawn_facts
from bspec_opa.workflow.decision_logs.writing import Decided, log_decision
from bspec_opa.workflow.facts.adopting import adopters_of, require_none_before, without_source
from bspec_opa.workflow.facts.ending import ending_notes, unrecorded_notes
from bspec_opa.workflow.facts.evaluation import Evaluation
from bspec_opa.workflow.facts.evaluators import counting_in
from bspec_opa.workflow.facts.given import Given
from bspec_opa.workflow.facts.mixing import mixed_up_notes
from bspec_opa.workflow.facts.objections import earlier_rejects, objections
from bspec_opa.workflow.facts.rolling import rollback_to
from bspec_opa.workflow.facts.situation import Situation, assemble
from bspec_opa.workflow.facts.waivers import refused, standings, terms_of, unseen_notes
from bspec_opa.workflow.facts.withdrawing import TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.ledger.objects import ObjectStore
    from bspec_opa.trust.authority import Record
    from bspec_opa.trust.root import Environment
    from bspec_opa.workflow.checkout.config import Config
    from bspec_opa.workflow.checkout.deciding import Panel, Policy
    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.facts.evaluation import Rejected

OpenPanel = Callable[["Config", "Policy", "Environment", "Mapping[str, str]"], "AbstractContextManager[Panel]"]
"""As :func:`bspec_opa.workflow.checkout.deciding.open_panel`."""


def evaluate(
    session: Session, environment_name: str, opened: OpenPanel = open_panel, *, adopting: bool = False
) -> Evaluation:
    """Decide as if the inbox were sequenced.

    Args:
        session: what is decided on.
        environment_name: where to.
        opened: gives the engines; they are given back by whoever made it.
        adopting: whether it would be adopted.

    Raises:
        BspecError: anything that keeps a decision from being taken; see the exit codes.
    """
    environment = session.environment(environment_name)
    situation = situation_of(session, environment, with_inbox=True, adopting=adopting)
    evaluation = decide(session, situation, opened)
    if not situation.is_current:
        return evaluation
    verb = "rollback" if session.rollback else "promote"
    note = f"exactly this is current in {environment.id} already: {verb} would change nothing"
    return replace(evaluation, notes=(*evaluation.notes, note))


def situation_of(session: Session, environment: Environment, *, with_inbox: bool, adopting: bool = False) -> Situation:
    """What the ledger, and the inbox where it is wanted, say about this intent and environment.

    Raises:
        BspecError: the agent is retired there, or may not be adopted, such as after a line that counts no more.
    """
    if adopting:
        environment = without_source(environment, session.agent, session.world.now)
    history = session.history.with_inbox(_waiting(session)) if with_inbox else session.history
    history = counting_in(history, environment, session.anchor.roots, session.loaded.surface_digest)
    binding = read_resolved(session.project, session.agent)
    catalogs = read_catalogs(session.project)
    loaded, now = session.loaded, session.world.now
    situation = assemble(
        Given(
            loaded=loaded,
            environment=environment,
            binding=binding,
            history=history,
            now=now,
            read_intent=lambda digest: stored_intent(session.objects, digest),
            delegates=delegates(session, environment),
            withdrawn=lambda found: withdrawn_facts(loaded, found, catalogs, now),
            rejected=rejected_facts((*history.rejected, *session.inbox.rejected)),
            rollback=rollback_to(history, environment.id, session.rollback) if session.rollback else None,
            terms=lambda: terms_of(session.policy.bundle, session.anchor.root),
            adopting=adopting,
        )
    )
    if adopting:
        require_none_before(session.ledger.entries, session.agent, environment.id)
    return situation


def _waiting(session: Session) -> list[Record]:
    """The inbox, without the revocations that were recorded: what the ledger refused is no advice either."""
    known = session.ledger.record_ids()
    return [r for r in session.inbox.records if r.type not in TYPES or r.id not in known]


def stored_intent(objects: ObjectStore, digest: Digest) -> LoadedIntent:
    """An intent that a ledger entry refers to, from its canonical form among the objects.

    Raises:
        TrustError: it is missing or altered.
    """
    return load_intent(objects.get(digest), f"objects/{digest}")


def delegates(session: Session, environment: Environment) -> frozenset[str]:
    """The agents this one may delegate to that have a current line in the environment, which nobody has withdrawn."""
    named = session.loaded.intent.constraints.delegation
    return frozenset(a for a in named if session.history_of(a).standing(environment.id) is not None)


def _remarks(situation: Situation) -> tuple[str, ...]:
    """What people have to know beside the decision."""
    history = situation.given.history
    endings = (*unrecorded_notes(history), *ending_notes(history, situation.given.environment))
    signed = (*unseen_notes(situation), *mixed_up_notes(situation))
    return (*objections(situation), *earlier_rejects(situation), *endings, *signed)


def rejected_facts(rejected: Sequence[Rejected]) -> list[JsonObject]:
    """What did not count, as policies see it."""
    unique = {(r.type, r.id, r.code) for r in rejected}
    return [{"type": t, "id": i, "reason": c} for t, i, c in sorted(unique)]


def decide(session: Session, situation: Situation, opened: OpenPanel = open_panel) -> Evaluation:
    """Put a situation to the engines, and hold the answer against the floor.

    Raises:
        EngineError: no usable answer.
        TrustError: a bundle that is not accepted, or another one decided.
    """
    environment = situation.given.environment
    accepted = require_accepted(session.policy, session.anchor, environment.id, session.world)
    request = build_request(situation.facts, secrets.token_hex(NONCE_BYTES))
    with opened(session.project.config, session.policy, environment, session.world.environ) as panel:
        verdict = ask(panel, session.policy, request)
    decision = with_floor(verdict.decision, request, environment.mandatory_rules)
    decided = Decided(request, verdict, decision, panel.assurance, session.world.now)
    log_decision(session.project.config, session.policy, decided)
    sequenced = {r.record.id for r in session.history.records}
    history, waivers = situation.given.history, situation.waivers
    return Evaluation(
        document=session.loaded.document,
        agent=session.agent,
        version=session.loaded.intent.metadata.version,
        environment=environment.id,
        source="" if session.rollback else environment.from_,
        decision=decision,
        index=session.policy.bundle.index,
        engines=verdict.engines,
        assurance=panel.assurance,
        bundle=session.policy.ref,
        advisory=not session.anchor.authenticated,
        notes=(*session.notes, *accepted, *_remarks(situation), *verdict.notes),
        unsequenced=tuple(r.id for r in session.inbox.records if r.id not in sequenced),
        rejected=(*history.rejected, *session.inbox.rejected, *refused(waivers, history)),
        request=request,
        waivers=tuple(s for s in standings(situation, decision) if s.waiver.here or s.line),
        adopters=adopters_of(situation),
    )
