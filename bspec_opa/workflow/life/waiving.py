"""Signing a waiver: only of what a rule denies now, and only one that would count at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from bspec_opa.approval.reasons import WAIVER_REFUSED
from bspec_opa.approval.waivers import IN_FORCE
from bspec_opa.foundation.errors import error_of
from bspec_opa.foundation.suggest import did_you_mean
from bspec_opa.foundation.times import format_time, parse_duration, parse_time
from bspec_opa.workflow.checkout.inbox import write_record
from bspec_opa.workflow.checkout.signing import Maker, promotion_subjects
from bspec_opa.workflow.evaluate import decide
from bspec_opa.workflow.facts.waivers import waivers_of
from bspec_opa.workflow.issue import Issued, promotable
from bspec_opa.workflow.life.reasons import BAD_TERM, NOTHING_TO_WAIVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.approval.waivers import Waiver
    from bspec_opa.binding.model import Binding
    from bspec_opa.bundle.index import RuleEntry
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.gate.decision import Finding, RuleOutcome
    from bspec_opa.trust.authority import Record
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.facts.evaluation import Evaluation
    from bspec_opa.workflow.facts.situation import Situation

WHOLE = "/"
"""How people write the pointer of the whole intent, which is empty."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be waived.

    Attributes:
        rule: the rule's id.
        findings: each a JSON Pointer, or ``POINTER=MESSAGE`` where the rule says several things of one place.
        reason: for people.
        requester: the principal who asks for it.
        expires: a moment; empty if a duration is given.
        valid_for: a duration from now on; empty if a moment is given.
        renews: the record id of a waiver that is prolonged, or empty.
    """

    rule: str
    findings: tuple[str, ...]
    reason: str
    requester: str
    expires: str = ""
    valid_for: str = ""
    renews: str = ""


@dataclass(frozen=True, slots=True)
class Intended:
    """A waiver before it is signed.

    Attributes:
        situation: what is being promoted.
        evaluation: what the rules say of it now.
        rule: the rule, with the digest of its source.
        lifts: what the waiver would lift.
        stays: what the rule denies besides.
        own: the record's own members.
    """

    situation: Situation
    evaluation: Evaluation
    rule: RuleEntry
    lifts: tuple[Finding, ...]
    stays: tuple[Finding, ...]
    own: JsonObject

    @property
    def expires(self) -> str:
        """When it ends."""
        return str(self.own["expires"])


def intend(session: Session, environment_name: str, wish: Wish, *, adopting: bool = False) -> Intended:
    """Evaluate, and find what a waiver would lift; nothing is signed.

    Raises:
        InvalidInputError: the rule does not raise what was named, or there is nothing to promote.
        UsageError: no end, or two.
        TrustError: the rule can't be waived.
    """
    expires = _expires(wish, session.world.now)
    situation = promotable(session, environment_name, adopting=adopting)
    evaluation = decide(session, situation)
    rule, outcome = _rule(evaluation, wish.rule)
    lifts = _named(outcome, wish.findings)
    own: JsonObject = {
        "environment": situation.given.environment.id,
        "base": situation.base,
        "rule": {"id": rule.id, "digest": rule.digest},
        "findings": [{"path": f.path, "msg": f.message} for f in lifts],
        "reason": wish.reason,
        "requester": wish.requester,
        "expires": expires,
        "renewal": [wish.renews] if wish.renews else [],
    }
    stays = tuple(f for f in outcome.denied if f not in lifts)
    return Intended(situation, evaluation, rule, lifts, stays, own)


def waive(session: Session, intended: Intended, signer: Signer) -> Issued:
    """Sign the waiver and put it into the inbox.

    The gate's own judgement of it comes first: a waiver that would not count is not written.

    Raises:
        TrustError: the signer may not waive this, or it would not count; with the reason.
    """
    binding = cast("Binding", intended.situation.binding)
    subjects = promotion_subjects(intended.situation.given.loaded.digest, binding.digest)
    maker = Maker(session.anchor, session.agent, session.world.now)
    record = maker.make("waiver", subjects, intended.own, signer)
    _require_counting(_judged(intended.situation, record))
    return Issued(record, write_record(session.project.records_directory, "waiver", record.id, record.envelope))


def _judged(situation: Situation, record: Record) -> Waiver:
    """What the gate would make of it, after everything that is there."""
    given = replace(situation.given, history=situation.given.history.with_inbox([record]))
    authors = cast("list[str]", situation.facts.authors)
    return waivers_of(given, situation.binding, situation.base, authors)[-1]


def _require_counting(waiver: Waiver) -> None:
    if waiver.problem is not None:
        raise error_of([waiver.problem])
    assert waiver.state == IN_FORCE  # noqa: S101 - it is of exactly this, and its schema demands an end after now


def _expires(wish: Wish, now: int) -> str:
    if bool(wish.expires) == bool(wish.valid_for):
        what = "has two ends" if wish.expires else "has no end"
        raise BAD_TERM.error(f"the waiver {what}", hint=BAD_TERM.remedy)
    return format_time(parse_time(wish.expires) if wish.expires else now + parse_duration(wish.valid_for))


def _rule(evaluation: Evaluation, rule_id: str) -> tuple[RuleEntry, RuleOutcome]:
    outcome = next((r for r in evaluation.decision.rules if r.id == rule_id), None)
    entry = evaluation.index.rule(rule_id)
    if outcome is None or entry is None:
        ran = [r.id for r in evaluation.decision.rules]
        message = f"no rule {rule_id[:200]} ran for {evaluation.environment}"
        raise NOTHING_TO_WAIVE.error(message, hint=did_you_mean(rule_id, ran) or NOTHING_TO_WAIVE.remedy)
    if not entry.waivable:
        message = f"{rule_id} can't be waived: {entry.title}"
        raise WAIVER_REFUSED.error(message, hint=entry.remediation or WAIVER_REFUSED.remedy)
    return entry, outcome


def _named(outcome: RuleOutcome, wanted: Sequence[str]) -> tuple[Finding, ...]:
    """The findings that are named, in the decision's order; what is waived already may be waived anew."""
    raised = [*outcome.denied, *outcome.waived]
    found: dict[tuple[str, str], Finding] = {}
    for text in wanted:
        matching = [f for f in raised if text in _names(f)]
        if len(matching) != 1:
            raise NOTHING_TO_WAIVE.error(_unnamed(outcome, text, matching), hint=_list(outcome, raised))
        found[matching[0].path, matching[0].message] = matching[0]
    return tuple(f for f in raised if (f.path, f.message) in found)


def _names(finding: Finding) -> tuple[str, ...]:
    pointers = (finding.path,) if finding.path else (finding.path, WHOLE)
    return (*pointers, *(f"{p}={finding.message}" for p in pointers))


def _unnamed(outcome: RuleOutcome, text: str, matching: Sequence[Finding]) -> str:
    if matching:
        return f"{outcome.id} says {len(matching)} things of {text[:200] or WHOLE}: name one with its message"
    if any(text in _names(f) for f in outcome.warned):
        return f"{outcome.id} only warns of {text[:200] or WHOLE}: a warning needs no waiver"
    return f"{outcome.id} raises no finding {text[:200] or WHOLE} now"


def _list(outcome: RuleOutcome, raised: Sequence[Finding]) -> str:
    if not raised:
        return f"{outcome.id} denies nothing now"
    return "it raises " + "; ".join(f"{f.path or WHOLE}={f.message}" for f in raised)
