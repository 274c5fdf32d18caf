"""Puts verified records, digests and the clock together into the facts that the policies see. Pure.

The same function serves ``evaluate``, ``promote`` and ``verify``: what a line was decided on is rebuilt by the
code that decided it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.approval.facts import Expected, approval_facts, submit_facts
from bspec_opa.approval.view import view_digest
from bspec_opa.binding.facts import binding_input
from bspec_opa.evidence.facts import refused_runs
from bspec_opa.foundation.digest import Digest
from bspec_opa.gate.request import Facts
from bspec_opa.intent.projection import intent_input, promotion_input, risk_input
from bspec_opa.lock.line import ROLLBACK
from bspec_opa.workflow.facts.ground import Ground, ground_of
from bspec_opa.workflow.facts.parts import (
    barred_of,
    delegates_of,
    pools_of,
    predecessor_of,
    relevant_of,
    values,
)
from bspec_opa.workflow.facts.requests import is_promoted, newest_request, requester
from bspec_opa.workflow.facts.reviews import reviews_since, unreviewed, unreviewed_facts
from bspec_opa.workflow.facts.viewing import Place, ViewMaker
from bspec_opa.workflow.facts.waivers import Seen, input_facts, refused_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.approval.waivers import Waiver
    from bspec_opa.binding.model import Binding
    from bspec_opa.evidence.facts import EvidenceRun
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.intent.change import Change
    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.facts.given import Given
    from bspec_opa.workflow.facts.heads import Head

PROMOTE = "promote"


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that follows from what was given.

    Attributes:
        facts: ready for the OPA input.
        binding: what is bound: resolved, or carried from the source line.
        base: the current line here, or ``genesis``.
        source: the current line of the source environment, ``none`` or ``missing``; of a rollback, its target.
        head: the current line here, if there is one.
        change: from the head to this intent and binding.
        evidence: ids of all evidence that holds for this surface and binding.
        submits: ids of the submits that are about exactly this.
        request: the newest request that is about exactly this promotion.
        view: what an approver of this is shown, with all of the evidence and every waiver in force.
        waivers: every verified waiver of this agent and environment, and what becomes of it.
        deployed: of an adoption, the digest of what is said to run.
    """

    given: Given
    facts: Facts
    binding: Binding | None
    base: str
    source: str
    head: Head | None
    change: Change
    evidence: tuple[Digest, ...]
    submits: tuple[Digest, ...]
    request: Record | None
    view: JsonObject
    waivers: tuple[Waiver, ...] = ()

    @property
    def waivers_in_force(self) -> tuple[Digest, ...]:
        """The ids of the waivers that an approval of this must have seen."""
        return Seen(self.waivers).in_force

    deployed: Digest | None = None

    @property
    def reviews(self) -> tuple[Digest, ...]:
        """The reviews of the emergencies that this follows, by people who took no part, sorted."""
        return reviews_since(self.given.history, self.given.followed)

    @property
    def view_digest(self) -> Digest:
        """What an approval of this signs as ``view``."""
        return view_digest(self.view)

    @property
    def is_current(self) -> bool:
        """Whether exactly this is the current line here, not revoked; of a rollback, whether the same is deployed."""
        head = self.head
        return (
            head is not None
            and head.revoked is None
            and self.binding is not None
            and head.subject("behavior.intent") == self.given.loaded.digest
            and head.subject("binding") == self.binding.digest
            and (self.given.rollback is not None or head.record.predicate["source"] == self.source)
        )

    @property
    def approvals(self) -> list[JsonObject]:
        """The approvals that bind everything, are in force and are of nobody barred, as the line records them."""
        found, barred = cast("list[JsonObject]", self.facts.approvals), barred_of(self.facts)
        return [
            {"id": a["id"], "principal": a["principal"], "role": a["role"]}
            for a in found
            if a["decision"] == "approve"
            and all(cast("JsonObject", a["binds"]).values())
            and cast("int", a["expires_unix"]) > self.given.now
            and a["principal"] not in barred
        ]


def assemble(given: Given) -> Situation:
    """The situation.

    Raises:
        BspecError: an intent that the ledger refers to is missing, evidence exceeds the limits, or the agent is
            retired there.
    """
    ground = ground_of(given)
    binding, change, place = ground.binding, ground.change, ground.place
    relevant = relevant_of(ground.runs, given.loaded, binding)
    seen = Seen(ground.waivers)
    view = ViewMaker(given, binding=binding, head=ground.head, change=change, place=place, runs=relevant, seen=seen)
    expected = _expected(given, binding=binding, change=change, place=place, runs=relevant, view=view)
    request = newest_request([r.record for r in given.history.of_type("request")], expected)
    promoted = tuple(s.id for s in ground.submits if is_promoted(s, expected))
    evidence = tuple(Digest(r.id) for r in relevant)
    return Situation(
        given=given,
        facts=_facts(given, ground, expected, request),
        binding=binding,
        base=place.base,
        source=place.source,
        head=ground.head,
        change=change,
        evidence=evidence,
        submits=given.rollback.submits if given.rollback else promoted,
        request=request,
        view=view.of(evidence, seen.in_force),
        waivers=ground.waivers,
    )


def _facts(given: Given, ground: Ground, expected: Expected, request: Record | None) -> Facts:
    loaded, history, environment, now = given.loaded, given.history, given.environment, given.now
    rollback, binding, old, authors = given.rollback, ground.binding, ground.old, ground.authors
    return Facts(
        action=ROLLBACK if rollback else PROMOTE,
        environment=environment.id,
        now=now,
        intent=intent_input(loaded, now),
        surface_digest=loaded.surface_digest,
        change=change_input(ground.change, ground.place.base),
        binding=[binding_input(binding, loaded)] if binding else [],
        declared=_requirements(loaded, given),
        previous=_requirements(old, given),
        previous_risk=[risk_input(old)] if old else [],
        submits=values(submit_facts(ground.submits, expected)),
        authors=[*sorted({a.principal for a in authors})],
        approvals=values(approval_facts([a.record for a in history.of_type("approval")], expected, now)),
        evidence=values(pools_of(ground.runs, given, binding, authors)),
        waivers=values(input_facts(ground.waivers)),
        predecessor_expected=bool(environment.from_) and rollback is None,
        predecessor=predecessor_of(given, ground.source, binding),
        requester=[requester(request, now)] if request else [],
        withdrawn=values(given.withdrawn(binding)),
        delegates=delegates_of(given),
        rollback=rollback.fact(loaded, binding, now) if rollback and binding else [],
        unreviewed=unreviewed_facts(unreviewed(history, given.followed), now),
        rejected=values([*given.rejected, *refused_runs(ground.runs, now), *refused_facts(ground.waivers)]),
    )


def _requirements(loaded: LoadedIntent | None, given: Given) -> list[JsonValue]:
    """What an intent demands for the environment; none without an intent or a block for it."""
    found = promotion_input(loaded, given.environment.id, given.now) if loaded else None
    return [found] if found else []


def _expected(
    given: Given,
    *,
    binding: Binding | None,
    change: Change,
    place: Place,
    runs: Sequence[EvidenceRun],
    view: ViewMaker,
) -> Expected:
    """What an approval or request has to be about to count."""
    return Expected(
        agent=given.loaded.intent.metadata.id,
        environment=given.environment.id,
        intent_digest=given.loaded.digest,
        binding_digest=binding.digest if binding else None,
        base=place.base,
        source=place.source,
        evidence_ids=frozenset(Digest(r.id) for r in runs),
        evidence_matters=bool(given.environment.from_) or given.adopting,
        change_digest=change.digest,
        view_of=view.digest_for,
        own_lines=frozenset(line.line for line in given.history.lines(given.environment.id)),
        emergency=given.rollback is not None and given.rollback.emergency,
    )


def change_input(change: Change, base: str) -> JsonObject:
    """A change as the policies see it: with its base, without its digest."""
    return {**{k: v for k, v in change.to_json().items() if k != "digest"}, "base": base}


def change_recorded(change: Change) -> JsonObject:
    """A change as a lock line records it."""
    return {k: v for k, v in change.to_json().items() if k != "version_step"}
