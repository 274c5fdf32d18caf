"""The parts of the OPA input that are about records and lines. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.evidence.facts import EvidenceRun, evidence_facts, same_run
from bspec_opa.trust.authority import BINDING_SUBJECT, INTENT_SUBJECT, SURFACE_SUBJECT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.approval.facts import Author
    from bspec_opa.binding.model import Binding
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.gate.request import Facts
    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.facts.given import Given
    from bspec_opa.workflow.facts.heads import Head, Sequenced
    from bspec_opa.workflow.facts.history import History


def runs_of(records: Sequence[Sequenced]) -> list[EvidenceRun]:
    """Evidence records as the pooling wants them."""
    return [
        EvidenceRun(
            id=r.record.id,
            principal=r.record.principal,
            group=r.record.group,
            surface=_subject(r.record, SURFACE_SUBJECT),
            binding=_subject(r.record, BINDING_SUBJECT),
            predicate=r.record.predicate,
        )
        for r in records
    ]


def counted_runs(history: History) -> list[EvidenceRun]:
    """The runs that count. A revoked one comes back under no other signature: it is the run that is in question."""
    revoked = [r for r in _dropped_runs(history) if r.id in history.withdrawals.revoked]
    return [r for r in runs_of(history.of_type("evidence")) if not any(same_run(r, other) for other in revoked)]


def _dropped_runs(history: History) -> list[EvidenceRun]:
    return runs_of([r for r in history.dropped if r.record.type == "evidence"])


def _subject(record: Record, name: str) -> str:
    return str(record.statement.digest_of(name))


def relevant_of(runs: Sequence[EvidenceRun], loaded: LoadedIntent, binding: Binding | None) -> list[EvidenceRun]:
    """Evidence holds for one pair of surface and binding (attack A06)."""
    if binding is None:
        return []
    wanted = (loaded.surface_digest, binding.digest)
    return [r for r in runs if (r.surface, r.binding) == wanted]


def pools_of(
    runs: Sequence[EvidenceRun], given: Given, binding: Binding | None, authors: Sequence[Author]
) -> list[JsonObject]:
    """The pooled evidence for this surface and binding; none before there is a binding."""
    if binding is None:
        return []
    dropped = relevant_of(_dropped_runs(given.history), given.loaded, binding)
    return evidence_facts(
        runs,
        surface=given.loaded.surface_digest,
        binding=binding.digest,
        declared={t.id: t.operations for t in given.loaded.intent.tools},
        authors=authors,
        now=given.now,
        seen={str(t) for r in dropped for t in cast("list[str]", r.predicate["observed_tools"])},
    )


def predecessor_of(given: Given, source_head: Head | None, binding: Binding | None) -> list[JsonValue]:
    """The source environment's current line, compared with what would be promoted."""
    if source_head is None or binding is None:
        return []
    predicate = source_head.record.predicate
    return [
        {
            "environment": given.environment.from_,
            "line": source_head.line,
            "same_intent": source_head.subject(INTENT_SUBJECT) == given.loaded.digest,
            "same_surface": predicate["surface_digest"] == given.loaded.surface_digest,
            "same_binding": source_head.subject(BINDING_SUBJECT) == binding.digest,
            "age_seconds": max(0, given.now - source_head.at),
        }
    ]


def delegates_of(given: Given) -> list[JsonValue]:
    """The agents this one may delegate to, and whether each has a current line here."""
    named = given.loaded.intent.constraints.delegation
    places = enumerate(cast("list[str]", _authored_delegation(given.loaded)))
    index = {agent: i for i, agent in places}
    return [
        {"agent": a, "path": f"/constraints/delegation/{index[a]}", "current": a in given.delegates}
        for a in sorted(named)
    ]


def _authored_delegation(loaded: LoadedIntent) -> JsonValue:
    constraints = cast("JsonObject", loaded.authored["constraints"])
    return constraints.get("delegation", [])


def barred_of(facts: Facts) -> frozenset[str]:
    """The people whose approval is not counted: authors always, and those whom the intent keeps separate.

    The intent means what it declares and what the version before declared, as in the policies' ``lib.approvals``.
    """
    rules = cast("list[dict[str, list[str]]]", [*facts.declared, *facts.previous])
    separation = {party for r in rules for party in r["separation"]}
    barred = {*cast("list[str]", facts.authors)}
    if "promoter" in separation:
        barred |= {r["principal"] for r in cast("list[dict[str, str]]", facts.requester)}
    if "evaluator" in separation:
        barred |= {e for p in cast("list[dict[str, list[str]]]", facts.evidence) for e in p["evaluators"]}
    return frozenset(barred)


def values(items: Sequence[JsonObject]) -> list[JsonValue]:
    """Typed objects as plain JSON values."""
    return [*items]
