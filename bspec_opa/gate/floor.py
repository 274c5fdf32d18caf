"""The floor that no Rego can lower: what Python refuses whatever a bundle says or a waiver waives. Pure.

It reads the same facts that the policies saw. It only ever turns an allow into a denial; where Rego already
denied, Rego's exit code stands (attack A79).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bspec_opa.bundle.contract.definitions import QUESTIONS
from bspec_opa.gate.decision import Decision
from bspec_opa.gate.reasons import (
    FLOOR_APPROVAL,
    FLOOR_EVIDENCE,
    FLOOR_MANDATORY,
    FLOOR_REJECT,
    FLOOR_REQUEST,
    FLOOR_REVIEW,
    FLOOR_SOURCE,
    FLOOR_SUBMIT,
    FLOOR_TARGET,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.foundation.errors import Problem

ROLLBACK = "rollback"
PROMOTION_ONLY = frozenset(
    (
        "promotion.all.evidence",
        "promotion.all.not_frozen",
        "promotion.all.predecessor_identical",
        "promotion.all.scope_probed",
        "promotion.all.soak",
        "promotion.all.submitted",
        "promotion.production.independent_red_team",
    )
)
"""Rules of the library that no rollback needs; not by what a bundle says about them, or one could drop any rule."""
ROLLBACK_ONLY = frozenset(
    ("promotion.all.emergency_quorum", "promotion.all.rollback_age", "promotion.all.rollback_target")
)
"""Rules of the library that no promotion needs."""

# The input was checked against its closed schema before it gets here, so members are simply there.
Facts = dict[str, Any]


def with_floor(decision: Decision, request: Facts, mandatory_rules: Iterable[str]) -> Decision:
    """The decision, with a refusal for each part of the floor that does not hold.

    Args:
        decision: what Rego decided.
        request: the OPA input that it decided on.
        mandatory_rules: rule ids that the trust root demands for the environment.
    """
    rollback = request["action"] == ROLLBACK
    # What a rollback goes back to was submitted, evaluated and carried from its source when it was promoted.
    own = _no_target(request) if rollback else (*_no_submit(request), *_no_evidence(request), *_no_source(request))
    found = [
        *own,
        *_no_approval(request),
        *_open_reject(request),
        *_no_request(request),
        *_unreviewed(request),
        *_not_run(decision, set(mandatory_rules) - (PROMOTION_ONLY if rollback else ROLLBACK_ONLY)),
    ]
    return Decision(decision.rules, tuple(found))


def _no_target(request: Facts) -> Iterable[Problem]:
    same = ("same_intent", "same_surface", "same_binding")
    if not any(all(r[member] for member in same) for r in request["rollback"]):
        yield FLOOR_TARGET.problem("it is not exactly what a recorded line of this environment holds")


def _unreviewed(request: Facts) -> Iterable[Problem]:
    if request["action"] == ROLLBACK and any(r["emergency"] for r in request["rollback"]):
        return
    for emergency in request["unreviewed"]:
        what = f"the emergency rollback {emergency['line']} in {emergency['environment']}"
        yield FLOOR_REVIEW.problem(f"nobody uninvolved has reviewed {what}")


def _no_submit(request: Facts) -> Iterable[Problem]:
    if not request["binding"] or not any(s["current"] for s in request["submits"]):
        yield FLOOR_SUBMIT.problem("nobody has submitted exactly this intent and binding")


def _no_approval(request: Facts) -> Iterable[Problem]:
    authors = set(request["authors"])
    if not any(a["principal"] not in authors for a in request["approvals"] if _counts(a, request["now_unix"])):
        yield FLOOR_APPROVAL.problem("nobody but the authors has approved exactly this")


def _counts(approval: Facts, now: int) -> bool:
    return approval["decision"] == "approve" and all(approval["binds"].values()) and approval["expires_unix"] > now


def _open_reject(request: Facts) -> Iterable[Problem]:
    for approval in request["approvals"]:
        if approval["decision"] == "reject":
            yield FLOOR_REJECT.problem(f"{approval['principal']} rejected it as {approval['role']}")


def _no_evidence(request: Facts) -> Iterable[Problem]:
    demands = [e for p in _sources(request) for e in p["evidence"]]
    for question in QUESTIONS:
        asked = [d for d in demands if d["question"] == question]
        if not asked:
            yield FLOOR_EVIDENCE.problem(f"no evidence is demanded for the question {question}")
        elif not all(_met(d, request["evidence"]) for d in asked):
            yield FLOOR_EVIDENCE.problem(f"the evidence for the question {question} is not sufficient")


def _sources(request: Facts) -> list[Facts]:
    return [*request["requirements"]["declared"], *request["requirements"]["previous"]]


def _met(demand: Facts, pools: list[Facts]) -> bool:
    """Met by all runs pooled, and by the independent ones alone where independence is demanded."""
    kinds = (False, True) if demand["independent"] else (False,)
    return all(_sufficient(demand, _pool(demand, pools, independent=k)) for k in kinds)


def _pool(demand: Facts, pools: list[Facts], *, independent: bool) -> Facts | None:
    fitting = [
        p
        for p in pools
        if p["question"] == demand["question"]
        and p["method"] == demand["method"]
        and p["independent"] == independent
        and p["oldest_age_seconds"] <= demand["max_age_seconds"]
    ]
    return max(fitting, key=lambda p: (p["oldest_age_seconds"], p["cases"]), default=None)


def _sufficient(demand: Facts, pool: Facts | None) -> bool:
    if pool is None or pool["cases"] < max(1, demand["min_cases"]):
        return False
    rows = [b for b in pool["bounds"] if b["confidence_bp"] == demand["confidence_bp"]]
    return bool(rows) and all(
        b["pass_bp"] >= demand["min_pass_bp"] and b["asr_bp"] <= demand["max_asr_bp"] for b in rows
    )


def _no_source(request: Facts) -> Iterable[Problem]:
    if request["predecessor_expected"] and not any(p["same_binding"] for p in request["predecessor"]):
        yield FLOOR_SOURCE.problem("the source environment holds no current line with this binding")


def _no_request(request: Facts) -> Iterable[Problem]:
    if not any(r["current"] and r["expires_unix"] > request["now_unix"] for r in request["requester"]):
        yield FLOOR_REQUEST.problem("no promoter has requested exactly this promotion")


def _not_run(decision: Decision, mandatory_rules: Iterable[str]) -> Iterable[Problem]:
    ran = {r.id for r in decision.rules}
    for rule in sorted(set(mandatory_rules) - ran):
        yield FLOOR_MANDATORY.problem(f"the mandatory rule {rule} did not run")
