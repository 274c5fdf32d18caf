"""From verified waivers to those that count for one promotion, and why the others do not. Pure.

A waiver lifts named findings of one rule for one intent, binding, base and environment, and of one source of the rule.
What the tool demands before it signs is demanded here again: whoever holds a key can sign anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.approval.reasons import WAIVER_LONG, WAIVER_OWN, WAIVER_REFUSED, WAIVER_RENEWAL, WAIVER_RULE
from bspec_opa.foundation.times import format_time, parse_time
from bspec_opa.trust.authority import BINDING_SUBJECT, INTENT_SUBJECT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.foundation.errors import Problem
    from bspec_opa.trust.authority import Record

IN_FORCE, EXPIRED, VOID, REFUSED = "in-force", "expired", "void", "refused"
"""What becomes of a waiver: it counts; its time is over; it is about something else; it never may count."""
DAY_SECONDS = 86_400
_NONE: Mapping[str, str] = MappingProxyType({})
Named = tuple[str, str, str]
"""A finding that a waiver names: rule, JSON Pointer, message. All three are compared for equality."""


@dataclass(frozen=True, slots=True)
class RuleTerms:
    """What the deciding bundle says of a rule: the digest of its source, and whether it may be waived."""

    digest: str
    waivable: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """What bounds waivers.

    Attributes:
        rules: the rules of the bundle that decides, by id.
        max_days: how long a waiver may run, from its signature on.
        max_renewals: how often a waiver of one finding may be prolonged.
        principals: everybody whom the trust root knows.
    """

    rules: Mapping[str, RuleTerms]
    max_days: int
    max_renewals: int
    principals: Collection[str]


@dataclass(frozen=True, slots=True)
class Place:
    """What a waiver has to be about to count.

    Attributes:
        agent: the agent's id.
        environment: where to.
        intent_digest: the intent.
        binding_digest: what it is bound to; None if nothing is, and then no waiver counts.
        base: digest of the environment's current line, or ``genesis``.
        authors: everyone who submitted a part of this change.
    """

    agent: str
    environment: str
    intent_digest: Digest
    binding_digest: Digest | None
    base: str
    authors: Collection[str]


@dataclass(frozen=True, slots=True)
class Waiver:
    """A verified waiver of this agent and environment, and what becomes of it.

    Attributes:
        record: the record.
        state: :data:`IN_FORCE`, :data:`EXPIRED`, :data:`VOID` or :data:`REFUSED`.
        renewals: how often its findings have been prolonged by now.
        problem: why it does not count; None while it does.
        here: whether it is about exactly this intent, binding and base.
    """

    record: Record
    state: str
    renewals: int
    problem: Problem | None = None
    why: str = ""
    here: bool = False

    @property
    def id(self) -> Digest:
        """The record's id."""
        return self.record.id

    @property
    def said(self) -> dict[str, Any]:
        """The predicate; its closed schema was checked."""
        return self.record.predicate

    @property
    def rule(self) -> str:
        """The one rule that it is about."""
        return str(self.said["rule"]["id"])

    @property
    def findings(self) -> tuple[Named, ...]:
        """What it names."""
        return findings_of(self.record)

    @property
    def expires(self) -> str:
        """When it ends."""
        return str(self.said["expires"])

    def facts(self) -> list[JsonObject]:
        """Its ``waivers`` of ``bspec.input/v1``, one for each finding."""
        until = parse_time(self.expires)
        binds: JsonObject = {"intent": True, "binding": True, "environment": True, "base": True}
        return [
            {"id": self.id, "rule": rule, "path": path, "msg": msg, "binds": binds, "expires_unix": until}
            for rule, path, msg in self.findings
        ]


@dataclass(slots=True)
class _Chain:
    """The waivers of one finding so far: until when, how often that was prolonged, and by which records."""

    until: int = 0
    renewals: int = 0
    ids: list[str] = field(default_factory=list)


def findings_of(record: Record) -> tuple[Named, ...]:
    """What a waiver names."""
    said = cast("dict[str, Any]", record.predicate)
    return tuple((str(said["rule"]["id"]), str(f["path"]), str(f["msg"])) for f in said["findings"])


def judge_waivers(
    records: Iterable[Record], place: Place, terms: Terms, now: int, dropped: Mapping[str, str] = _NONE
) -> tuple[Waiver, ...]:
    """What becomes of each waiver of an agent and environment.

    Args:
        records: verified waivers, in the order of the ledger.
        place: what is being promoted.
        terms: what bounds them.
        now: Unix seconds.
        dropped: why those that counted once don't, by their id: they lift nothing, and prolonging after them is a
            renewal all the same.
    """
    chains: dict[Named, _Chain] = {}
    found: dict[str, Waiver] = {}
    for record in records:
        if (record.agent, record.environment) == (place.agent, place.environment) and record.id not in found:
            judged = _judge(record, place, terms, now, chains)
            if record.id in dropped:
                judged = Waiver(record, VOID, judged.renewals, why=dropped[record.id])
            found[record.id] = judged
    return tuple(found.values())


def _judge(record: Record, place: Place, terms: Terms, now: int, chains: dict[Named, _Chain]) -> Waiver:
    elsewhere = _elsewhere(record, place)
    here = not elsewhere
    renewals, problem = _renewed(record, terms, chains)
    # What would never count for anybody neither counts nor begins a chain.
    problem = _unlawful(record, terms) or problem
    if problem is None:
        _prolong(record, renewals, chains)
    if elsewhere:
        return Waiver(record, VOID, renewals, why=elsewhere)
    problem = problem or _inadmissible(record, place, terms)
    if problem is not None:
        state = VOID if problem.reason is WAIVER_RULE else REFUSED
        return Waiver(record, state, renewals, problem, problem.message, here=here)
    if parse_time(str(record.predicate["expires"])) <= now:
        why = f"it ended at {record.predicate['expires']}"
        return Waiver(record, EXPIRED, renewals, why=why, here=here)
    return Waiver(record, IN_FORCE, renewals, here=here)


def _elsewhere(record: Record, place: Place) -> str:
    """What moved since it was signed; empty if it is about exactly this."""
    subject = record.statement.digest_of
    if subject(INTENT_SUBJECT) != place.intent_digest:
        return "it is for another version of the intent"
    if place.binding_digest is None or subject(BINDING_SUBJECT) != place.binding_digest:
        return "it is for another binding: what the intent is bound to has changed"
    if record.predicate["base"] != place.base:
        return f"it is for another base: the current line of {place.environment} has changed"
    return ""


def _unlawful(record: Record, terms: Terms) -> Problem | None:
    """What no place makes good: that nobody else asked, and for how long."""
    said = record.predicate
    requester = str(said["requester"])
    if requester == record.principal:
        return WAIVER_OWN.problem(f"{requester} asked for it and signed it", hint=WAIVER_OWN.remedy)
    days = terms.max_days
    if parse_time(str(said["expires"])) - record.signed_unix > days * DAY_SECONDS:
        last = format_time(record.signed_unix + days * DAY_SECONDS)
        message = f"it runs until {said['expires']}, longer than the organisation's {days} days"
        return WAIVER_LONG.problem(message, hint=f"let it end by {last}")
    return None


def _inadmissible(record: Record, place: Place, terms: Terms) -> Problem | None:
    """What keeps it from counting here and now; who asked may have left, and it was asked for all the same."""
    requester = str(record.predicate["requester"])
    if requester not in terms.principals:
        message = f"{requester}, who is said to have asked for it, is not in the trust root"
        return WAIVER_OWN.problem(message, hint="name the principal who asks")
    rule = cast("dict[str, str]", record.predicate["rule"])
    known = terms.rules.get(rule["id"])
    if known is None:
        return WAIVER_RULE.problem(f"the bundle has no rule {rule['id']}", hint=WAIVER_RULE.remedy)
    if known.digest != rule["digest"]:
        return WAIVER_RULE.problem(f"the source of {rule['id']} has changed since", hint=WAIVER_RULE.remedy)
    if not known.waivable:
        return WAIVER_REFUSED.problem(f"{rule['id']} can't be waived", hint=WAIVER_REFUSED.remedy)
    if record.principal in place.authors:
        message = f"{record.principal} signed it and is an author of the change"
        return WAIVER_OWN.problem(message, hint=WAIVER_OWN.remedy)
    return None


def _renewed(record: Record, terms: Terms, chains: Mapping[Named, _Chain]) -> tuple[int, Problem | None]:
    """How often it prolongs what was waived before, whatever it says about that; and whether it says so."""
    named = [str(i) for i in cast("list[str]", record.predicate["renewal"])]
    earlier = [chains[f] for f in findings_of(record) if f in chains]
    known = {i for chain in earlier for i in chain.ids}
    before = max((c.renewals for c in earlier), default=0)
    if not known.issuperset(named):
        message = f"it renews {named[0]}, which is no earlier waiver of the same findings here"
        return before, WAIVER_RENEWAL.problem(message, hint="name a waiver of the same rule and finding, or none")
    expires = parse_time(str(record.predicate["expires"]))
    prolonged = next((c for c in earlier if c.until < expires), None)
    if prolonged is None:
        return before, None
    if not named:
        message = f"it prolongs {prolonged.ids[-1]} and does not say so"
        hint = f"say --renews {prolonged.ids[-1]}, or let it end by {format_time(prolonged.until)}"
        return before, WAIVER_RENEWAL.problem(message, hint=hint)
    if before + 1 > terms.max_renewals:
        message = f"it is renewal {before + 1} of a finding, and the organisation allows {terms.max_renewals}"
        return before + 1, WAIVER_RENEWAL.problem(message, hint="mend what the rule says")
    return before + 1, None


def _prolong(record: Record, renewals: int, chains: dict[Named, _Chain]) -> None:
    until = parse_time(str(record.predicate["expires"]))
    for finding in findings_of(record):
        chain = chains.setdefault(finding, _Chain())
        chain.until, chain.renewals = max(chain.until, until), renewals
        chain.ids.append(record.id)
