"""Weakened rules: what a change takes away from those who decide on the next one. Pure.

The gate uses the stricter of old and new rules, so weakening them is never a way past them; it is shown so that
somebody agrees to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.limits import UNLIMITED
from bspec_opa.foundation.times import parse_duration, parse_time
from bspec_opa.intent import vocabulary as v
from bspec_opa.intent.items import Step, in_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.intent.items import ChangeItem, Tokens
    from bspec_opa.intent.model import ApprovalRule, EvidenceRule, Freeze, Intent, Promotion

_NO_RATE = 10_000


def weakened(old: Intent, new: Intent, authored: JsonObject) -> tuple[ChangeItem, ...]:
    """What the new intent demands less of than the old one, as governance items.

    Args:
        old: the intent before.
        new: the intent after.
        authored: the new document, which paths point into.
    """
    return in_order(step.at(authored) for step in (*_metadata(old, new), *_risk(old, new), *_rules(old, new)))


def _step(at: Tokens, what: str) -> Step:
    return Step("governance", at, what)


def _metadata(old: Intent, new: Intent) -> Iterator[Step]:
    if old.metadata.id != new.metadata.id:
        yield _step(("metadata", "id"), f"agent {old.metadata.id} becomes {new.metadata.id}")
    if old.metadata.owner != new.metadata.owner:
        yield _step(("metadata", "owner"), f"owner {old.metadata.owner} becomes {new.metadata.owner}")


def _risk(old: Intent, new: Intent) -> Iterator[Step]:
    if v.TIERS.index(new.risk.tier) < v.TIERS.index(old.risk.tier):
        yield _step(("risk", "tier"), f"risk tier lowered from {old.risk.tier} to {new.risk.tier}")
    if old.risk.exposure != new.risk.exposure:
        yield _step(("risk", "exposure"), f"exposure {old.risk.exposure} becomes {new.risk.exposure}")
    for regime in old.risk.regimes:
        if regime not in new.risk.regimes:
            yield _step(("risk", "regimes"), f"regime {regime} removed")


def _rules(old: Intent, new: Intent) -> Iterator[Step]:
    for environment, before in sorted(old.promotion.items()):
        after = new.promotion.get(environment)
        if after is None:
            yield _step(("promotion", environment), f"promotion rules of {environment} removed")
        else:
            yield from _promotion(("promotion", environment), environment, before, after)


def _promotion(at: Tokens, environment: str, old: Promotion, new: Promotion) -> Iterator[Step]:
    yield from _approvals((*at, "approvals"), f"{environment}: approvals", old.approvals, new.approvals)
    yield from _approvals((*at, "on_expansion"), f"{environment}: on_expansion", old.on_expansion, new.on_expansion)
    for party in old.separation:
        if party not in new.separation:
            yield _step((*at, "separation"), f"{environment}: {party} may approve")
    yield from _evidence((*at, "evidence"), environment, old.evidence, new.evidence)
    yield from _longer((*at, "approval_ttl"), f"{environment}: approvals hold", old.approval_ttl, new.approval_ttl)
    if _soak(new) < _soak(old):
        yield _step((*at, "soak", "duration"), f"{environment}: soak shortened")
    for freeze in old.freeze:
        if not any(_covers(f, freeze) for f in new.freeze):
            yield _step(
                (*at, "freeze"), f"{environment}: freeze from {freeze.from_} to {freeze.to} lifted or shortened"
            )
    yield from _rollback((*at, "rollback"), f"{environment}: rollback", old, new)


def _approvals(at: Tokens, label: str, old: Sequence[ApprovalRule], new: Sequence[ApprovalRule]) -> Iterator[Step]:
    counts = {rule.role: rule.count for rule in new}
    for rule in old:
        now = counts.get(rule.role, 0)
        if now < rule.count:
            yield _step(at, f"{label}: role {rule.role} goes from {rule.count} to {now}")


def _evidence(at: Tokens, label: str, old: Sequence[EvidenceRule], new: Sequence[EvidenceRule]) -> Iterator[Step]:
    for rule in old:
        if not any(_as_strict(candidate, rule) for candidate in new):
            yield _step(at, f"{label}: evidence for {rule.question} by {rule.method} weakened or dropped")


def _as_strict(new: EvidenceRule, old: EvidenceRule) -> bool:
    """Whether whatever satisfies the new requirement satisfies the old one."""
    return (
        (new.question, new.method) == (old.question, old.method)
        and new.min_cases >= old.min_cases
        and (new.min_pass_bp or 0) >= (old.min_pass_bp or 0)
        and _rate(new) <= _rate(old)
        and new.confidence_bp >= old.confidence_bp
        and new.independent >= old.independent
        and seconds(new.max_age) <= seconds(old.max_age)
    )


def _rate(rule: EvidenceRule) -> int:
    return _NO_RATE if rule.max_asr_bp is None else rule.max_asr_bp


def seconds(duration: str | None) -> int:
    """A duration in seconds; unlimited if there is none."""
    return UNLIMITED if duration is None else parse_duration(duration)


def _longer(at: Tokens, label: str, old: str | None, new: str | None) -> Iterator[Step]:
    if seconds(new) > seconds(old):
        yield _step(at, f"{label} {new or 'for ever'} instead of {old}")


def _soak(rules: Promotion) -> int:
    return 0 if rules.soak is None else parse_duration(rules.soak.duration)


def _covers(wide: Freeze, narrow: Freeze) -> bool:
    return parse_time(wide.from_) <= parse_time(narrow.from_) and parse_time(narrow.to) <= parse_time(wide.to)


def _rollback(at: Tokens, label: str, old: Promotion, new: Promotion) -> Iterator[Step]:
    """Without rules of its own, a rollback needs what a promotion needs, from a lock line of any age."""
    before = old.approvals if old.rollback is None else old.rollback.approvals
    after = new.approvals if new.rollback is None else new.rollback.approvals
    if old.rollback is None and new.rollback is None:
        return
    yield from _approvals((*at, "approvals"), f"{label} approvals", before, after)
    ages = [None if rules.rollback is None else rules.rollback.max_lock_age for rules in (old, new)]
    yield from _longer((*at, "max_lock_age"), f"{label}: lock lines may be used", *ages)
