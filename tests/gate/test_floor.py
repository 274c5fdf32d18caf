"""The floor: from an input that everything holds in, each missing part alone turns an allow into exit 4."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bspec_opa.bundle.shipped import load_bundle, shipped_bundle
from bspec_opa.foundation.errors import ExitCode
from bspec_opa.foundation.limits import UNLIMITED
from bspec_opa.gate.decision import Decision, Finding, Needs, RuleOutcome
from bspec_opa.gate.floor import PROMOTION_ONLY, ROLLBACK_ONLY, with_floor

NOW = 1_777_593_600
BINDS = dict.fromkeys(("intent", "binding", "base", "source", "evidence", "change", "view"), True)
PASSED = RuleOutcome("global.a.b", "pass", "low")
ALLOW = Decision((PASSED,))


def demand(question: str, **changes: Any) -> dict[str, Any]:
    return {
        "question": question,
        "method": "functional",
        "min_cases": 50,
        "min_pass_bp": 9800,
        "max_asr_bp": 10_000,
        "confidence_bp": 0,
        "independent": False,
        "max_age_seconds": UNLIMITED,
        "path": "",
    } | changes


def pool(question: str, **changes: Any) -> dict[str, Any]:
    return {
        "question": question,
        "method": "functional",
        "independent": False,
        "oldest_age_seconds": 60,
        "cases": 50,
        "passed": 50,
        "bounds": [{"confidence_bp": 0, "pass_bp": 10_000, "asr_bp": 0}],
    } | changes


def approval(**changes: Any) -> dict[str, Any]:
    base = {"principal": "sam", "role": "security", "decision": "approve", "expires_unix": NOW + 1, "binds": BINDS}
    return base | changes


def request() -> dict[str, Any]:
    questions = ("boundary", "privilege", "constraint")
    return copy.deepcopy(
        {
            "action": "promote",
            "now_unix": NOW,
            "rollback": [],
            "unreviewed": [],
            "binding": [{}],
            "submits": [{"current": True}],
            "authors": ["alice"],
            "approvals": [approval()],
            "requirements": {"declared": [{"evidence": [demand(q) for q in questions]}], "previous": []},
            "evidence": [pool(q) for q in questions],
            "predecessor_expected": True,
            "predecessor": [{"same_binding": True}],
            "requester": [{"current": True, "expires_unix": NOW + 1}],
        }
    )


def refusals(facts: dict[str, Any], *mandatory: str) -> list[str]:
    return [p.reason.code for p in with_floor(ALLOW, facts, mandatory).refusals]


def test_holds() -> None:
    result = with_floor(ALLOW, request(), ["global.a.b"])
    assert result.refusals == ()
    assert result.allowed


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "no binding": ("floor.no-submit", {"binding": []}),
    "no submit": ("floor.no-submit", {"submits": []}),
    "submit of something else": ("floor.no-submit", {"submits": [{"current": False}]}),
    "no approval": ("floor.no-independent-approval", {"approvals": []}),
    "author approves himself": ("floor.no-independent-approval", {"approvals": [approval(principal="alice")]}),
    "approval expires now": ("floor.no-independent-approval", {"approvals": [approval(expires_unix=NOW)]}),
    "approval of another view": (
        "floor.no-independent-approval",
        {"approvals": [approval(binds=BINDS | {"view": False})]},
    ),
    "open reject": (
        "floor.open-reject",
        {"approvals": [approval(), approval(principal="rita", decision="reject")]},
    ),
    "no evidence": ("floor.no-evidence", {"evidence": [pool("boundary"), pool("privilege")]}),
    "a case short": (
        "floor.no-evidence",
        {"evidence": [pool("boundary", cases=49), pool("privilege"), pool("constraint")]},
    ),
    "a point short": (
        "floor.no-evidence",
        {
            "evidence": [
                pool("boundary", bounds=[{"confidence_bp": 0, "pass_bp": 9799, "asr_bp": 201}]),
                pool("privilege"),
                pool("constraint"),
            ]
        },
    ),
    "bound not computed": (
        "floor.no-evidence",
        {"evidence": [pool("boundary", bounds=[]), pool("privilege"), pool("constraint")]},
    ),
    "question not asked": (
        "floor.no-evidence",
        {"requirements": {"declared": [{"evidence": [demand("boundary")]}], "previous": []}},
    ),
    "previous rules were stricter": (
        "floor.no-evidence",
        {
            "requirements": {
                "declared": request()["requirements"]["declared"],
                "previous": [{"evidence": [demand("boundary", min_cases=51)]}],
            }
        },
    ),
    "independence demanded": (
        "floor.no-evidence",
        {
            "requirements": {
                "declared": [
                    {"evidence": [demand("boundary", independent=True), demand("privilege"), demand("constraint")]}
                ],
                "previous": [],
            }
        },
    ),
    "no source line": ("floor.no-source", {"predecessor": []}),
    "another binding in the source": ("floor.no-source", {"predecessor": [{"same_binding": False}]}),
    "no request": ("floor.no-request", {"requester": []}),
    "request of something else": ("floor.no-request", {"requester": [{"current": False, "expires_unix": NOW + 1}]}),
    "request expired": ("floor.no-request", {"requester": [{"current": True, "expires_unix": NOW}]}),
}


@pytest.mark.attack("A79")
@pytest.mark.parametrize("case", CASES)
def test_one_part_missing_denies(case: str) -> None:
    code, change = CASES[case]
    result = with_floor(ALLOW, request() | change, [])
    assert {p.reason.code for p in result.refusals} == {code}
    assert not result.allowed
    assert result.exit_code == ExitCode.DENIED


@pytest.mark.attack("A79")
def test_mandatory_rule_that_did_not_run_denies() -> None:
    assert refusals(request(), "global.a.b", "global.a.c") == ["floor.mandatory-rule"]


@pytest.mark.attack("A83")
def test_a_failing_older_run_in_the_window_counts() -> None:
    worse = pool(
        "boundary", cases=100, oldest_age_seconds=90, bounds=[{"confidence_bp": 0, "pass_bp": 5000, "asr_bp": 5000}]
    )
    facts = request()
    facts["evidence"].append(worse)
    assert refusals(facts) == ["floor.no-evidence"]


def test_independent_and_all_runs_must_both_suffice() -> None:
    facts = request()
    facts["requirements"]["declared"][0]["evidence"][0]["independent"] = True
    facts["evidence"].append(pool("boundary", independent=True))
    assert refusals(facts) == []


def test_rego_exit_code_stands_when_rego_denied() -> None:
    needs = Finding("0 of 1", "", Needs("approval"))
    pending = Decision((RuleOutcome("promotion.all.approvals", "deny", "high", (needs,), (needs,)),))
    assert with_floor(pending, request() | {"approvals": []}, []).exit_code == ExitCode.PENDING
    denied = Decision((RuleOutcome("global.a.b", "deny", "high", (Finding("no", ""),)),))
    assert with_floor(denied, request() | {"approvals": []}, []).exit_code == ExitCode.DENIED


# Rollbacks


def rollback(**changes: Any) -> dict[str, Any]:
    """What a promotion needs and a rollback doesn't is missing."""
    same = dict.fromkeys(("same_intent", "same_surface", "same_binding"), True)
    target = {"target_line": "sha256:t", "age_seconds": 1, "emergency": False, **same}
    missing: dict[str, Any] = {"submits": [], "evidence": [], "predecessor_expected": False, "predecessor": []}
    return request() | {"action": "rollback", "rollback": [target]} | missing | changes


def test_a_rollback_holds() -> None:
    assert with_floor(ALLOW, rollback(), ["global.a.b"]).allowed


@pytest.mark.attack("A79")
@pytest.mark.parametrize("member", ["same_intent", "same_surface", "same_binding"])
def test_a_rollback_to_something_else(member: str) -> None:
    facts = rollback()
    facts["rollback"][0][member] = False
    assert refusals(facts) == ["floor.no-target"]
    assert refusals(rollback(rollback=[])) == ["floor.no-target"]


@pytest.mark.attack("A79")
def test_a_rollback_needs_people() -> None:
    assert refusals(rollback(approvals=[approval(principal="alice")])) == ["floor.no-independent-approval"]
    assert refusals(rollback(approvals=[approval(), approval(decision="reject")])) == ["floor.open-reject"]
    assert refusals(rollback(requester=[])) == ["floor.no-request"]


@pytest.mark.attack("A79")
def test_an_emergency_waits_for_nobody_and_everybody_for_its_review() -> None:
    waiting = [{"line": "sha256:e", "environment": "staging", "age_seconds": 1}]
    assert refusals(request() | {"unreviewed": waiting}) == ["floor.no-review"]
    assert refusals(rollback(unreviewed=waiting)) == ["floor.no-review"]
    emergency = rollback(unreviewed=waiting)
    emergency["rollback"][0]["emergency"] = True
    assert refusals(emergency) == []
    # Only a rollback is an emergency, whatever the facts of a promotion claim.
    assert refusals(emergency | {"action": "promote"})[-1] == "floor.no-review"


@pytest.mark.attack("A79")
def test_mandatory_rules_of_the_other_action() -> None:
    """What the program knows to be for promotions alone; whatever a bundle says about other rules."""
    assert refusals(rollback(), *PROMOTION_ONLY) == []
    assert refusals(request(), *ROLLBACK_ONLY) == []
    assert refusals(rollback(), "promotion.all.rollback_target") == ["floor.mandatory-rule"]
    assert refusals(request(), "promotion.all.soak") == ["floor.mandatory-rule"]
    assert refusals(rollback(), "promotion.all.our_own") == ["floor.mandatory-rule"]


def test_the_lists_are_those_of_the_library() -> None:
    rules = load_bundle(shipped_bundle()).index.rules
    assert {r.id for r in rules if r.actions == ("promote",)} == PROMOTION_ONLY
    assert {r.id for r in rules if r.actions == ("rollback",)} == ROLLBACK_ONLY
