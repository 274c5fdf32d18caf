"""The waivers of one promotion: which count, which an approval must have seen, and what people are told. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.approval.waivers import EXPIRED, IN_FORCE, Place, RuleTerms, Terms, Waiver, judge_waivers
from bspec_opa.bundle.contract.organisation import MAX_WAIVER_DAYS, MAX_WAIVER_RENEWALS
from bspec_opa.bundle.selection import FLOOR
from bspec_opa.foundation.times import parse_time
from bspec_opa.workflow.facts.evaluation import Rejected

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from bspec_opa.binding.model import Binding
    from bspec_opa.bundle.read import Bundle
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.gate.decision import Decision
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.facts.given import Given
    from bspec_opa.workflow.facts.history import History
    from bspec_opa.workflow.facts.situation import Situation

SOON_SECONDS = 7 * 86_400
"""A waiver that ends within this time is pointed out."""
ORPHANED, USED = "orphaned", "used"
_REVOKED, _LOST = "it was revoked", "it does not count any more: see what is rejected"
NO_TERMS = Terms({}, 0, 0, frozenset())
"""Without a bundle no waiver counts."""


def no_terms() -> Terms:
    """:data:`NO_TERMS`."""
    return NO_TERMS


def terms_of(bundle: Bundle, root: TrustRoot) -> Terms:
    """What bounds waivers under a bundle and a trust root."""
    bounds = bundle.organisation.get("waivers", {})
    return Terms(
        {r.id: RuleTerms(r.digest, r.waivable and r.id not in FLOOR) for r in bundle.index.rules},
        _bound(bounds, "max_days", MAX_WAIVER_DAYS),
        _bound(bounds, "max_renewals", MAX_WAIVER_RENEWALS),
        frozenset(p.id for p in root.principals),
    )


def _bound(bounds: JsonValue, name: str, default: int) -> int:
    """A bound of the organisation's data; a bundle that this tool did not build may hold anything, and then nothing."""
    value = bounds.get(name, default) if isinstance(bounds, dict) else 0
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def waivers_of(given: Given, binding: Binding | None, base: str, authors: Iterable[str]) -> tuple[Waiver, ...]:
    """What becomes of each waiver; the bundle is only looked at where there is one."""
    revoked, gone = given.history.withdrawals.revoked, given.history.gone
    counted = {r.record.id for r in given.history.of_type("waiver")}
    # What a void line used is as if it had never been; what its signer may not sign any more was there all the same.
    once = (r.record for r in given.history.once_of_type("waiver"))
    records = [r for r in once if r.id in counted or r.id in revoked or r.id not in gone]
    if not records:
        return ()
    place = Place(
        agent=given.loaded.intent.metadata.id,
        environment=given.environment.id,
        intent_digest=given.loaded.digest,
        binding_digest=binding.digest if binding else None,
        base=base,
        authors=frozenset(authors),
    )
    lost = {str(r.id): _REVOKED if r.id in revoked else _LOST for r in records if r.id not in counted}
    return judge_waivers(records, place, given.terms(), given.now, lost)


class Seen:
    """What an approval must have seen of the waivers."""

    def __init__(self, waivers: Iterable[Waiver]) -> None:
        here = [w for w in waivers if w.here]
        self._known = {w.id: w.record.predicate for w in here}
        self.in_force: tuple[Digest, ...] = tuple(w.id for w in here if w.state == IN_FORCE)

    def shown(self, ids: Iterable[str]) -> list[tuple[Digest, JsonObject]]:
        """What a view shows of these waivers."""
        return [(i, p) for i, p in self._known.items() if i in set(ids)]

    def suffices(self, listed: Collection[str]) -> bool:
        """Whether an approval that lists these saw every waiver in force, and nothing that is not about this.

        One that has ended since, or whose rule has changed, may be among them: without it more is denied, not less.
        """
        return self._known.keys() >= set(listed) and set(listed) >= set(self.in_force)


def input_facts(waivers: Iterable[Waiver]) -> list[JsonObject]:
    """The ``waivers`` of ``bspec.input/v1``."""
    return [f for w in waivers if w.state == IN_FORCE for f in w.facts()]


def refused_facts(waivers: Iterable[Waiver]) -> list[JsonObject]:
    """What policies see of waivers of exactly this that do not count."""
    return [{"type": "waiver", "id": w.id, "reason": w.problem.reason.code} for w in waivers if w.here and w.problem]


def refused(waivers: Iterable[Waiver], history: History) -> tuple[Rejected, ...]:
    """The same for people."""
    places = {r.record.id: r.seq for r in history.of_type("waiver")}

    def where(waiver: Waiver) -> str:
        seq = places.get(waiver.id)
        return waiver.id if seq is None else f"ledger entry {seq}"

    return tuple(
        Rejected("waiver", w.id, where(w), w.problem.reason.code, w.problem.message)
        for w in waivers
        if w.here and w.problem
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """A waiver as people are told of it.

    Attributes:
        waiver: judged.
        entry: the ledger entry that holds it; -1 while it is only in the inbox.
        lifts: which of its findings the decision has under ``waived`` by this waiver: JSON Pointer and message.
        status: ``in-force``, ``used`` (the current line rests on it), ``orphaned`` (in force, and the rule raises none
            of its findings now), ``expired``, ``void`` or ``refused``.
        soon: whether it is in force or used, and ends soon.
        line: whether the environment's current line rests on it.
    """

    waiver: Waiver
    entry: int
    lifts: tuple[tuple[str, str], ...]
    status: str
    soon: bool
    line: bool

    @property
    def why(self) -> str:
        """Why it does not lift anything in the next promotion; empty if it does."""
        said = self.waiver.said
        if self.status == ORPHANED:
            return f"{self.waiver.rule} raises none of its findings now"
        if self.line and self.status == EXPIRED:
            return f"it ended at {said['expires']}, and the current line of {said['environment']} still rests on it"
        if self.line:
            return f"the current line of {said['environment']} rests on it; the next one needs a waiver of its own"
        return self.waiver.why


def standings(situation: Situation, decision: Decision) -> tuple[Standing, ...]:
    """Each waiver of the agent and environment, with what the decision made of it."""
    places = {r.record.id: r.seq for r in situation.given.history.of_type("waiver")}
    head = situation.head
    resting = cast("list[str]", head.record.predicate["waivers"]) if head else []
    now = situation.given.now
    return tuple(_standing(w, places.get(w.id), decision, now, line=w.id in resting) for w in situation.waivers)


def _standing(waiver: Waiver, entry: int | None, decision: Decision, now: int, *, line: bool) -> Standing:
    outcome = next((r for r in decision.rules if r.id == waiver.rule), None)
    used = outcome is not None and waiver.id in outcome.waivers
    named = {(path, msg) for _, path, msg in waiver.findings}
    waived = [(f.path, f.message) for f in outcome.waived] if outcome is not None and used else []
    lifts = tuple(f for f in waived if f in named)
    left = parse_time(waiver.expires) - now
    status = ORPHANED if waiver.state == IN_FORCE and not lifts else waiver.state
    if line:
        status = USED if left > 0 else EXPIRED
    soon = status in {IN_FORCE, USED} and left <= SOON_SECONDS
    return Standing(waiver, -1 if entry is None else entry, lifts, status, soon, line)


def unseen_notes(situation: Situation) -> Iterator[str]:
    """One line for each approval that would count had its signer seen every waiver in force."""
    signed = {r.record.id: r.record for r in situation.given.history.of_type("approval")}
    for fact in cast("list[dict[str, Any]]", situation.facts.approvals):
        record = signed.get(fact["id"])
        unbound = [k for k, v in fact["binds"].items() if not v]
        if record is None or fact["decision"] != "approve" or unbound != ["view"]:
            continue
        missing = set(situation.waivers_in_force) - set(cast("list[Digest]", record.predicate["waivers"]))
        if missing:
            yield (
                f"{record.principal} approved as {record.role} before {', '.join(sorted(missing))} was signed and has "
                "to approve again: an approval covers the waivers that its signer saw"
            )
