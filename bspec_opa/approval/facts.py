"""From sequenced approvals and submits to what a policy sees. Pure.

Nothing is judged here but which records speak for a person: of one person's approvals for the same intent, binding
and base only the last sequenced one, and a reject until the same person lifts it. What each signed is compared with
what is being promoted, member by member, and the policies and the floor decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.limits import UNLIMITED
from bspec_opa.foundation.times import parse_time
from bspec_opa.trust.authority import BINDING_SUBJECT, INTENT_SUBJECT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.authority import Record

APPROVE = "approve"
REJECT = "reject"

Subjects = tuple["Digest | None", "Digest | None"]


@dataclass(frozen=True, slots=True)
class Expected:
    """What is being promoted: what an approval has to bind.

    Attributes:
        agent: the agent's id.
        environment: where to.
        intent_digest: the intent.
        binding_digest: what it is bound to; None if nothing is resolved, and then no approval binds it.
        base: digest of the environment's current line, or ``genesis``.
        source: digest of the source environment's current line, ``none`` or ``missing``.
        evidence_ids: all sequenced evidence for this surface and binding.
        evidence_matters: whether an approval has to name exactly that evidence: the environment has a source.
        change_digest: the change's items.
        own_lines: digests of all lines of this environment: what names one of them as its source is about a rollback.
        emergency: whether it is a rollback in an emergency.
        view_of: the digest of the view that an approval with this predicate must have shown, rebuilt from the ids
            that it lists; None if it can't be rebuilt.
    """

    agent: str
    environment: str
    intent_digest: Digest
    binding_digest: Digest | None
    base: str
    source: str
    evidence_ids: frozenset[Digest]
    evidence_matters: bool
    change_digest: Digest
    view_of: Callable[[JsonObject], Digest | None]
    own_lines: frozenset[str] = frozenset()
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class Author:
    """Somebody who submitted a version, and that person's team."""

    principal: str
    group: str


def approval_facts(approvals: Iterable[Record], expected: Expected, now: int) -> list[JsonObject]:
    """The ``approvals`` of ``bspec.input/v1``: those about this base or this intent that speak for somebody.

    A record of another agent or environment is left out (attack A07), a repeated one counts once (A10). A reject
    never expires; it is lifted when the same person later approves what was rejected or what is being promoted,
    later both in the ledger and by the signed time, so that an older approval kept back can't lift it (A83).

    Args:
        approvals: verified approvals and rejects in the order of the ledger.
        expected: what is being promoted.
        now: Unix seconds.
    """
    ours = _about(approvals, expected)
    standing = [r for i, r in enumerate(ours) if _stands(r, ours[:i], ours[i + 1 :], expected)]
    return [_fact(r, expected, now) for r in standing]


def _about(approvals: Iterable[Record], expected: Expected) -> list[Record]:
    """First occurrences, of this agent and environment."""
    first: dict[Digest, Record] = {}
    for record in approvals:
        if (record.agent, record.environment) == (expected.agent, expected.environment):
            first.setdefault(record.id, record)
    return list(first.values())


def _stands(record: Record, earlier: Sequence[Record], later: Sequence[Record], expected: Expected) -> bool:
    """Whether a record is relevant and nothing of the same person's takes its place."""
    if not _replaces_the_same(record, expected) and _subjects(record)[0] != expected.intent_digest:
        return False
    if record.predicate["decision"] == REJECT:
        return not any(_lifts(r, record, expected) for r in later)
    after = [r for r in later if _same_place(r, record)]
    rejected = [r for r in earlier if _same_place(r, record) and r.predicate["decision"] == REJECT]
    return not after and not any(r.signed_unix >= record.signed_unix for r in rejected)


def _replaces_the_same(record: Record, expected: Expected) -> bool:
    """Whether it is about the same base, and about a promotion or a rollback as this is.

    Who rejects a promotion says nothing about going back, nor the other way round.
    """
    going_back = [source in expected.own_lines for source in (record.predicate["source"], expected.source)]
    return record.predicate["base"] == expected.base and going_back[0] == going_back[1]


def _lifts(approval: Record, reject: Record, expected: Expected) -> bool:
    promoted = (expected.intent_digest, expected.binding_digest)
    return (
        approval.predicate["decision"] == APPROVE
        and approval.principal == reject.principal
        and approval.signed_unix > reject.signed_unix
        and _subjects(approval) in (_subjects(reject), promoted)
    )


def _same_place(one: Record, other: Record) -> bool:
    return (
        one.principal == other.principal
        and _subjects(one) == _subjects(other)
        and one.predicate["base"] == other.predicate["base"]
    )


def _subjects(record: Record) -> Subjects:
    return record.statement.digest_of(INTENT_SUBJECT), record.statement.digest_of(BINDING_SUBJECT)


def _fact(record: Record, expected: Expected, now: int) -> JsonObject:
    predicate = record.predicate
    expires = str(predicate["expires"])
    return {
        "id": record.id,
        "principal": record.principal,
        "group": record.group,
        "role": record.role,
        "decision": predicate["decision"],
        "age_seconds": max(0, now - record.signed_unix),
        "expires_unix": parse_time(expires) if expires else UNLIMITED,
        "binds": _binds(record, expected),
    }


def _binds(record: Record, expected: Expected) -> JsonObject:
    predicate = record.predicate
    intent, binding = _subjects(record)
    view = expected.view_of(predicate)
    listed = frozenset(cast("list[Digest]", predicate["evidence"]))
    return {
        "intent": intent == expected.intent_digest,
        "binding": binding is not None and binding == expected.binding_digest,
        "base": predicate["base"] == expected.base,
        "source": predicate["source"] == expected.source,
        "evidence": not expected.evidence_matters or listed == expected.evidence_ids,
        "change": predicate["change_digest"] == expected.change_digest,
        "view": view is not None and predicate["view"] == view,
    }


def submits_since(
    submits: Iterable[Record], head_submits: Collection[str], intent_digest: Digest, binding_digest: Digest | None
) -> tuple[Record, ...]:
    """The submits that made the change: everything after what the head was made of, and whatever is promoted now.

    Counting from the head's own submits, not from the head, leaves no gap: a version submitted before the head was
    promoted, and promoted after it, has its author (attack A80).

    Args:
        submits: verified submits of the agent, in the order of the ledger.
        head_submits: ids that the environment's current line names; none without a line.
        intent_digest: what is being promoted.
        binding_digest: what it is bound to, if anything.
    """
    ordered = {r.id: r for r in submits}
    found: list[Record] = []
    begun = not any(r in head_submits for r in ordered)
    for record in ordered.values():
        begun = begun or record.id in head_submits
        current = _subjects(record) == (intent_digest, binding_digest)
        if current or (begun and record.id not in head_submits):
            found.append(record)
    return tuple(found)


def authors_since(submits: Iterable[Record]) -> tuple[Author, ...]:
    """Everyone who submitted one of these versions (see :func:`submits_since`), once, sorted."""
    found = {Author(r.principal, r.group) for r in submits}
    return tuple(sorted(found, key=lambda a: (a.principal, a.group)))


def submit_facts(submits: Iterable[Record], expected: Expected) -> list[JsonObject]:
    """The ``submits`` of ``bspec.input/v1``; ``current`` are those of exactly what is being promoted."""
    promoted = (expected.intent_digest, expected.binding_digest)
    return [
        {"id": r.id, "principal": r.principal, "group": r.group, "current": _subjects(r) == promoted}
        for r in submits
        if r.agent == expected.agent
    ]
