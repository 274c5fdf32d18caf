"""Which controls of an organisation a decision meets. Pure.

Met is only what is proven: every rule of the control ran and passed, and what the control asks to see besides is
there. A rule that did not run proves nothing, and a control without rules is said to have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.bundle.index import EVERYWHERE, PROMOTION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bspec_opa.bundle.index import Index, RuleEntry
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.workflow.facts.evaluation import BundleRef
    from bspec_opa.workflow.facts.proof import Proof

FILE, INTENT, LINE, REFUSAL = "file", "intent", "line", "denial"
"""What a decision was read from: a file that says so itself, an intent, a line, or a recorded denial."""
MET, WAIVED, WARNED = "met", "waived", "warned"
PENDING, NOT_MET, NOT_EVALUATED, NO_RULE = "pending", "not-met", "not-evaluated", "no-rule"
STATES = (MET, WAIVED, WARNED, PENDING, NOT_MET, NOT_EVALUATED, NO_RULE)
NOT_RUN = "not-run"
_FROM_RULE = {
    "pass": MET,
    "waived": WAIVED,
    "warn": WARNED,
    "pending": PENDING,
    "deny": NOT_MET,
    NOT_RUN: NOT_EVALUATED,
}
_WORST = (NOT_MET, PENDING, NOT_EVALUATED, WARNED, WAIVED, MET)

_PROOFS: Mapping[str, tuple[Callable[[Decided], bool], str]] = {
    "approvals": (lambda d: bool(d.proof.approvals), "no approval of exactly this"),
    "evaluations": (lambda d: bool(d.proof.evaluations), "no evaluation run"),
    "binding": (lambda d: bool(d.proof.binding), "no binding to exact artifacts"),
    "ledger": (lambda d: d.entry >= 0, "no ledger entry: nothing was promoted"),
}


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision that controls are held against.

    Attributes:
        subject: what it was read from: a file, a lock's line or a ledger entry.
        agent: whose it is.
        environment: where to.
        verdict: allowed, denied or pending.
        at: when it was taken; empty for one that was taken just now or by a file that does not say so.
        entry: the ledger entry of its promotion; -1 where there is none.
        line: digest of its lock line, or empty.
        basis: what kind of thing it was read from, which says what of it was checked.
        advisory: nobody's records were authenticated.
        bundle: what decided.
        rules: each rule that ran, and its status: pass, waived, warn, pending or deny.
        proof: the records behind it.
        action: promote or rollback.
    """

    subject: str
    agent: str
    environment: str
    verdict: str
    at: str
    entry: int
    line: str
    basis: str
    advisory: bool
    bundle: BundleRef
    rules: Mapping[str, str]
    proof: Proof
    action: str = "promote"

    @property
    def verified(self) -> bool:
        """Whether the facts were rebuilt from records and the decision was taken on them here."""
        return self.basis in {INTENT, LINE}


@dataclass(frozen=True, slots=True)
class Control:
    """A control, and what a decision says about it.

    Attributes:
        state: one of :data:`STATES`.
        rules: id and status of each of its rules; ``not-run`` for one that did not run.
        lacking: what the control asks to see and is not there, one sentence each.
        proofs: what the control asks to see.
    """

    framework: str
    id: str
    title: str
    state: str
    rules: tuple[tuple[str, str], ...]
    lacking: tuple[str, ...]
    proofs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision and every control of its organisation."""

    decided: Decided
    controls: tuple[Control, ...]


def frameworks_of(organisation: JsonObject) -> tuple[str, ...]:
    """The frameworks whose controls an organisation maps, in its order."""
    return tuple(dict.fromkeys(c["framework"] for c in _mapped(organisation)))


def judge_controls(decided: Decided, index: Index, organisation: JsonObject, framework: str = "") -> Judged:
    """Hold a decision against the organisation's controls.

    Args:
        decided: the decision.
        index: the rules of the bundle that decided.
        organisation: that bundle's ``data.bspec.org``.
        framework: only this one's controls; all if empty.
    """
    wanted = [c for c in _mapped(organisation) if framework in {"", c["framework"]}]
    return Judged(decided, tuple(_judge(c, decided, index) for c in wanted))


def _mapped(organisation: JsonObject) -> Sequence[dict[str, Any]]:
    """The mapping; none in a bundle that was built before there was one."""
    return cast("list[dict[str, Any]]", organisation.get("controls", []))


def _judge(control: dict[str, Any], decided: Decided, index: Index) -> Control:
    named = [r for r in index.rules if any(map(r.selected_by, control["rules"]))]
    rules = tuple((r.id, decided.rules.get(r.id, NOT_RUN)) for r in named if _here(r, decided))
    lacking = tuple(text for proof in control["evidence"] for there, text in [_PROOFS[proof]] if not there(decided))
    return Control(
        framework=control["framework"],
        id=control["id"],
        title=control["title"],
        state=_state(bool(control["rules"]), {_FROM_RULE[s] for _, s in rules}, lacking),
        rules=rules,
        lacking=lacking if control["rules"] else (),
        proofs=tuple(control["evidence"]),
    )


def _here(rule: RuleEntry, decided: Decided) -> bool:
    """Another environment's own rules say nothing about this one, nor those of promotions about a rollback."""
    here = rule.group in {EVERYWHERE, decided.environment} and decided.action in rule.actions
    return rule.kind != PROMOTION or here


def _state(mapped: bool, states: set[str], lacking: tuple[str, ...]) -> str:  # noqa: FBT001 - named where it is called
    if not mapped:
        return NO_RULE
    if not states:
        return NOT_EVALUATED
    worst = next(s for s in _WORST if s in states)
    return NOT_MET if lacking and worst in {MET, WAIVED, WARNED} else worst
