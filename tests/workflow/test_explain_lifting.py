"""The way out that ``explain`` shows: enough when it is really done, and nothing in it can be left out."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest
from project import DAY, NOW

from bspec_opa.foundation.errors import ExitCode
from bspec_opa.workflow.checkout.deciding import open_replay
from bspec_opa.workflow.evaluate import evaluate
from bspec_opa.workflow.explain.lifting import Lift, lift_of, methods_of
from bspec_opa.workflow.explain.supposed import supposing
from bspec_opa.workflow.recorded.again import decide_again

if TYPE_CHECKING:
    from collections.abc import Callable

    from project import Project

    from bspec_opa.foundation.canonical import JsonObject

Change = "Callable[[dict[str, Any]], object]"
SOAK = ("soak", "", "", "", 3 * DAY)
REQUEST = ("request", "", "", "", 0)
SUBMIT = ("submit", "", "", "", 0)


def approval(role: str, count: int = 1) -> tuple[str, str, str, str, int]:
    return ("approval", role, "", "", count)


def evidence(question: str, method: str, count: int) -> tuple[str, str, str, str, int]:
    return ("evidence", "", question, method, count)


def lifted(project: Project, environment: str, change: Callable[[dict[str, Any]], object] = lambda _: None) -> Lift:
    """What would lift the decision of now, after something in its input was changed."""
    session = project.session()
    request = cast("dict[str, Any]", copy.deepcopy(evaluate(session, environment).request))
    change(request)
    before = copy.deepcopy(request)
    policy = session.policy
    mandatory = session.environment(environment).mandatory_rules
    with open_replay(policy, project.environ) as panel:
        decide = partial(decide_again, policy=policy, mandatory=mandatory, panel=panel)
        methods = methods_of(request, cast("dict[str, Any]", policy.bundle.organisation))
        found = lift_of(request, decide(request), decide, methods)
        # Whatever was supposed, the input is as it was.
        assert request == before
        if found.proven and found.steps:
            _require_minimal(found, request, decide)
    return found


def _require_minimal(found: Lift, request: JsonObject, decide: Callable[[JsonObject], Any]) -> None:
    """Independently of the search: all of it allows, and without any one step it does not."""
    assert decide(supposing(request, found.steps)).allowed
    for left_out in found.steps:
        rest = [s for s in found.steps if s is not left_out]
        assert not decide(supposing(request, rest)).allowed, left_out
        if left_out.count > 1:
            fewer = [*rest, left_out.with_count(left_out.count - 1)]
            assert not decide(supposing(request, fewer)).allowed, left_out


def steps_of(found: Lift) -> list[tuple[str, str, str, str, int]]:
    return [(s.kind, s.role, s.question, s.method, s.count) for s in found.steps]


def test_the_soak_comes_first_and_then_everybody(staged: Project) -> None:
    found = lifted(staged, "production")
    assert found.proven
    assert steps_of(found) == [
        SOAK,
        approval("environment-admin"),
        approval("risk-owner"),
        approval("security"),
        REQUEST,
    ]
    # Done for real it is enough, and a second less of the wait is not.
    staged.now += 3 * DAY - 1
    staged.sign_all("production", "environment-admin", "security", "risk-owner")
    assert staged.denied("production") == ["promotion.all.soak"]
    staged.now += 1
    staged.allowed("production")


def test_a_bound_takes_as_many_cases_as_it_takes(resolved: Project) -> None:
    """0.98 at 95 % is reached by 149 cases without a failure, not by the 50 that the requirement asks for."""
    resolved.change_intent(
        (
            "{question: boundary, method: functional, min_cases: 50, min_pass_bp: 9800}",
            "{question: boundary, method: functional, min_cases: 50, min_pass_bp: 9800, confidence_bp: 9500}",
        )
    )
    resolved.resolve()
    found = lifted(resolved, "staging")
    assert found.proven
    assert steps_of(found) == [
        SUBMIT,
        evidence("boundary", "functional", 149),
        evidence("constraint", "functional", 30),
        evidence("privilege", "functional", 50),
        approval("environment-admin"),
        REQUEST,
    ]
    assert [s.probes for s in found.steps if s.question == "boundary"] == [(("refunds", 1),)]


def test_several_approvals_in_one_role_are_several_people(resolved: Project) -> None:
    resolved.change_intent(
        ("    approvals: [{role: environment-admin, count: 1}]\n", "    approvals: [{role: security, count: 2}]\n")
    )
    resolved.resolve()
    found = lifted(resolved, "staging")
    assert found.proven
    assert approval("security", 2) in steps_of(found)


def test_a_run_more_voids_the_approvals_that_were_given_without_it(ready: Project) -> None:
    assert lifted(ready, "production") == Lift(proven=True)

    def without_red_team(request: dict[str, Any]) -> None:
        request["evidence"] = [p for p in request["evidence"] if p["method"] != "red-team"]

    found = lifted(ready, "production", without_red_team)
    assert found.proven
    assert steps_of(found) == [
        evidence("boundary", "red-team", 200),
        approval("environment-admin"),
        approval("risk-owner"),
        approval("security"),
    ]


def test_the_missing_probe_is_asked_for_alone(ready: Project) -> None:
    def without_probes(request: dict[str, Any]) -> None:
        for pool in request["evidence"]:
            pool["probes"] = []

    found = lifted(ready, "production", without_probes)
    assert found.proven
    (run,) = (s for s in found.steps if s.kind == "evidence")
    assert (run.question, run.method, run.count, run.probes) == ("boundary", "red-team", 1, (("refunds", 1),))


@pytest.mark.parametrize("extra", [0, 1])
def test_what_is_there_already_is_not_asked_for_again(signed: Project, extra: int) -> None:
    def without_request(request: dict[str, Any]) -> None:
        request["requester"] = []
        request["now_unix"] += extra

    assert steps_of(lifted(signed, "staging", without_request)) == [REQUEST]


def test_an_open_reject_is_not_lifted_by_approvals(signed: Project) -> None:
    def reject(request: dict[str, Any]) -> None:
        request["approvals"][0]["decision"] = "reject"

    found = lifted(signed, "staging", reject)
    assert (found.steps, found.proven) == ((), False)
    assert found.hopeless == ("promotion.all.no_reject",)


def test_an_expired_request_is_asked_for_again_once(signed: Project) -> None:
    def expire(request: dict[str, Any]) -> None:
        request["requester"][0]["expires_unix"] = NOW - 1

    found = lifted(signed, "staging", expire)
    assert found.proven
    assert steps_of(found) == [REQUEST]


def test_the_floor_alone_is_nothing_that_records_are_known_to_lift(signed: Project) -> None:
    session = signed.session()
    evaluation = evaluate(session, "staging")
    with open_replay(session.policy, signed.environ) as panel:
        decide = partial(decide_again, policy=session.policy, mandatory=("global.acme.gone",), panel=panel)
        decision = decide(evaluation.request)
        assert decision.exit_code == ExitCode.DENIED
        assert lift_of(evaluation.request, decision, decide).hopeless == ("floor.mandatory-rule",)
