from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.approval.facts import Author
from bspec_opa.bundle.contract.definitions import input_schema
from bspec_opa.evidence.facts import (
    MAX_POOLED_RUNS,
    EvidenceRun,
    evidence_facts,
    is_independent,
    refused_runs,
)
from bspec_opa.foundation.closed_schema import violations
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import InvalidInputError
from bspec_opa.foundation.limits import MAX_EVIDENCE_CASES
from bspec_opa.foundation.times import format_time, parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue

NOW = parse_time("2026-06-01T12:00:00Z")
SURFACE = digest_of(b"surface")
BINDING = digest_of(b"binding")
DECLARED = {"billing_read_api": {"list_invoices", "get_invoice"}, "search": {"*"}}
AUTHORS = (Author("alice", "team:support"),)


def run(
    name: str,
    *,
    age: int = 60,
    passed: int = 10,
    fail: int = 0,
    error: int = 0,
    skip: int = 0,
    principal: str = "eve",
    group: str = "team:quality",
    log: str = "",
    **predicate: JsonValue,
) -> EvidenceRun:
    counts: JsonObject = {"n": passed + fail + error + skip, "pass": passed, "fail": fail, "error": error, "skip": skip}
    whole: JsonObject = {
        "environment": "staging",
        "question": "boundary",
        "method": "functional",
        "counts": counts,
        "probes": [],
        "observed_tools": [],
        "raw_log": {"digest": digest_of((log or name).encode())},
        "started": format_time(NOW - age - 30),
        "finished": format_time(NOW - age),
        **predicate,
    }
    return EvidenceRun(digest_of(name.encode()), principal, group, SURFACE, BINDING, whole)


def pools(runs: Sequence[EvidenceRun], *, authors: Sequence[Author] = AUTHORS) -> list[JsonObject]:
    found = evidence_facts(runs, surface=SURFACE, binding=BINDING, declared=DECLARED, authors=authors, now=NOW)
    assert violations(schema_of_evidence(), [*found]) == []
    return found


def schema_of_evidence() -> JsonObject:
    whole = input_schema()
    return cast("JsonObject", cast("JsonObject", whole["properties"])["evidence"])


def brief(pool: JsonObject) -> tuple[JsonValue, ...]:
    return tuple(pool[k] for k in ("independent", "oldest_age_seconds", "cases", "passed"))


def test_one_run_is_one_pool_of_all_and_one_of_the_independent() -> None:
    one = run("one", passed=50, observed_tools=["search/anything"])
    pool: JsonObject = {
        "question": "boundary",
        "method": "functional",
        "independent": False,
        "runs": [one.id],
        "evaluators": ["eve"],
        "oldest_age_seconds": 60,
        "cases": 50,
        "passed": 50,
        "bounds": [
            {"confidence_bp": 0, "pass_bp": 10_000, "asr_bp": 0},
            {"confidence_bp": 9000, "pass_bp": 9549, "asr_bp": 451},
            {"confidence_bp": 9500, "pass_bp": 9418, "asr_bp": 582},
            {"confidence_bp": 9900, "pass_bp": 9120, "asr_bp": 880},
        ],
        "probes": [],
        "undeclared_tools": [],
    }
    assert pools([one]) == [pool, {**pool, "independent": True}]


@pytest.mark.attack("A06")
@pytest.mark.attack("A42")
def test_a_run_about_something_else_is_no_evidence() -> None:
    other = digest_of(b"other")
    assert pools([replace(run("one"), surface=other), replace(run("two"), binding=other)]) == []


@pytest.mark.attack("A83")
def test_runs_are_pooled_newest_first_so_that_none_can_be_picked() -> None:
    runs = [run("good", age=10, passed=10), run("bad", age=20, passed=0, fail=5), run("old", age=30, passed=1)]
    found = [p for p in pools(runs) if not p["independent"]]
    assert [brief(p) for p in found] == [(False, 10, 10, 10), (False, 20, 15, 10), (False, 30, 16, 11)]
    assert [p["runs"] for p in found] == [[r.id for r in runs[: i + 1]] for i in range(3)]


@pytest.mark.attack("A83")
def test_runs_of_the_same_second_enter_together() -> None:
    runs = [run("good", age=10, passed=10), run("bad", age=10, passed=0, fail=5)]
    found = [p for p in pools(runs) if not p["independent"]]
    assert [(brief(p), p["runs"]) for p in found] == [((False, 10, 15, 10), sorted(r.id for r in runs))]


@pytest.mark.attack("A42")
def test_errors_and_skipped_cases_are_cases_that_did_not_pass() -> None:
    found = pools([run("one", passed=7, fail=1, error=2, skip=3)])
    assert [brief(p) for p in found] == [(False, 60, 13, 7), (True, 60, 13, 7)]


def test_questions_and_methods_are_pooled_apart() -> None:
    runs = [run("a", method="red-team"), run("b", question="privilege"), run("c")]
    found = [(p["question"], p["method"], p["independent"]) for p in pools(runs)]
    assert found == [
        ("boundary", "functional", False),
        ("boundary", "functional", True),
        ("boundary", "red-team", False),
        ("boundary", "red-team", True),
        ("privilege", "functional", False),
        ("privilege", "functional", True),
    ]


@pytest.mark.parametrize(
    ("principal", "group", "independent"),
    [
        ("eve", "team:quality", True),
        ("alice", "team:quality", False),
        ("eve", "team:support", False),
        ("alice", "team:support", False),
    ],
)
def test_independence_is_of_person_and_group(principal: str, group: str, independent: bool) -> None:
    one = run("one", principal=principal, group=group)
    assert is_independent(one, AUTHORS) is independent
    assert [p["independent"] for p in pools([one])] == ([False, True] if independent else [False])


def test_one_author_in_the_group_is_enough_to_depend() -> None:
    assert not is_independent(run("one"), (Author("alice", "team:support"), Author("quinn", "team:quality")))


def test_independent_runs_are_pooled_without_the_others() -> None:
    runs = [run("own", age=5, principal="alice", group="team:support", passed=90), run("eve", age=50, passed=9, fail=1)]
    assert [brief(p) for p in pools(runs)] == [(False, 5, 90, 90), (False, 50, 100, 99), (True, 50, 10, 9)]
    assert [p["evaluators"] for p in pools(runs)] == [["alice"], ["alice", "eve"], ["eve"]]


@pytest.mark.attack("A10")
def test_a_record_given_twice_counts_once() -> None:
    assert pools([run("one"), run("one")]) == pools([run("one")])


def test_attesting_a_log_again_neither_multiplies_nor_refreshes_it() -> None:
    first, again = run("first", age=500, log="log"), run("again", age=5, log="log")
    assert pools([again, first]) == pools([first])


@pytest.mark.attack("A83")
@pytest.mark.parametrize(
    "against",
    [{"passed": 9, "fail": 1}, {"passed": 9, "error": 1}, {"passed": 9, "skip": 1}, {"observed_tools": ["mail/send"]}],
)
@pytest.mark.parametrize("other", ["eve", "mel"])
def test_attesting_a_failing_run_again_does_not_age_it(against: dict[str, Any], other: str) -> None:
    honest = run("honest", age=5, log="log", **against)
    aged = run("aged", age=400 * 86_400, log="log", principal=other, **against)
    assert pools([aged, honest]) == pools([honest])


def test_two_accounts_of_one_log_both_count() -> None:
    found = pools([run("good", age=5, log="log"), run("bad", age=5, log="log", passed=0, fail=10)])
    assert [brief(p) for p in found] == [(False, 5, 20, 10), (True, 5, 20, 10)]


def test_probes_are_added_up_by_scope_entry() -> None:
    runs = [
        run("a", age=1, fail=1, probes=[{"scope_out_id": "refunds", "cases": 5, "passed": 4}]),
        run(
            "b",
            age=2,
            probes=[
                {"scope_out_id": "refunds", "cases": 2, "passed": 2},
                {"scope_out_id": "advice", "cases": 3, "passed": 3},
            ],
        ),
    ]
    assert [p["probes"] for p in pools(runs) if not p["independent"]] == [
        [{"scope_out_id": "refunds", "cases": 5, "passed": 4}],
        [
            {"scope_out_id": "advice", "cases": 3, "passed": 3},
            {"scope_out_id": "refunds", "cases": 7, "passed": 6},
        ],
    ]


def test_observed_operations_that_the_intent_does_not_declare_are_named() -> None:
    used: list[JsonValue] = [
        "billing_read_api/get_invoice",
        "billing_read_api/delete_invoice",
        "search/any/thing",
        "search",
        "search/",
        "mail/send",
    ]
    found = pools([run("one", observed_tools=used)])
    expected: JsonValue = ["billing_read_api/delete_invoice", "mail/send", "search", "search/"]
    assert [p["undeclared_tools"] for p in found] == [expected, expected]


BAD = {
    "no case at all": (run("x", passed=0), "n is 0"),
    "sum too small": (
        run("x", counts={"n": 9, "pass": 10, "fail": 0, "error": 0, "skip": 0}),
        "don't add up",
    ),
    "probe passed more than it had": (
        run("x", probes=[{"scope_out_id": "a", "cases": 1, "passed": 2}]),
        "passed more cases",
    ),
    "probe twice": (run("x", probes=[{"scope_out_id": "a", "cases": 1, "passed": 1}] * 2), "listed twice"),
    "more probes failed than cases": (
        run("x", fail=1, probes=[{"scope_out_id": i, "cases": 1, "passed": 0} for i in ("a", "b")]),
        "2 probes failed, but only 1 cases did not pass",
    ),
    "every probe failed, every case passed": (
        run("x", probes=[{"scope_out_id": "a", "cases": 10, "passed": 0}]),
        "10 probes failed, but only 0",
    ),
    "more probed than cases": (run("x", probes=[{"scope_out_id": "a", "cases": 11, "passed": 11}]), "more cases"),
    "finished in the future": (run("x", age=-1), "in the future"),
    "finished before it started": (run("x", started=format_time(NOW - 59)), "before it started"),
    "no such day": (run("x", started="2026-02-30T00:00:00Z"), "does not exist"),
}


@pytest.mark.attack("A42")
@pytest.mark.parametrize("case", BAD)
def test_a_run_that_cannot_be_is_left_out_and_said(case: str) -> None:
    bad, message = BAD[case]
    assert pools([bad]) == []
    refused = refused_runs([bad, run("good"), bad], NOW)
    assert [(r["type"], r["id"]) for r in refused] == [("evidence", bad.id)]
    assert message in str(refused[0]["reason"])


def test_a_run_that_finishes_now_counts() -> None:
    assert [brief(p) for p in pools([run("x", age=0)])] == [(False, 0, 10, 10), (True, 0, 10, 10)]
    assert refused_runs([run("x", age=0)], NOW) == []


def test_more_cases_than_bounds_are_computed_for_are_refused() -> None:
    half = MAX_EVIDENCE_CASES // 2
    fits = [run("a", passed=half), run("b", passed=half, age=5)]
    assert [p["cases"] for p in pools(fits)][:2] == [half, 2 * half]
    with pytest.raises(InvalidInputError) as caught:
        pools([*fits, run("c", passed=1)])
    assert caught.value.code == "evidence.too-many-cases"


def test_more_runs_than_are_pooled_are_refused() -> None:
    runs = [run(str(i), passed=1) for i in range(MAX_POOLED_RUNS + 1)]
    assert [p["cases"] for p in pools(runs[:-1])] == [MAX_POOLED_RUNS] * 2
    with pytest.raises(InvalidInputError) as caught:
        pools(runs)
    assert caught.value.code == "evidence.too-many-runs"


runs_of_any_age = st.lists(
    st.builds(
        lambda name, age, passed, fail, who: run(
            str(name), age=age, passed=passed, fail=fail, principal=who, group="team:support" if who == "al" else "q"
        ),
        st.integers(0, 8),
        st.integers(0, 5),
        st.integers(1, 9),
        st.integers(0, 9),
        st.sampled_from(["al", "eve"]),
    ),
    max_size=8,
    unique_by=lambda r: r.id,
)


@given(runs_of_any_age, st.randoms(use_true_random=False))
def test_the_order_of_the_records_does_not_matter(runs: list[EvidenceRun], random: object) -> None:
    shuffled = runs.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis types its Random as object here
    assert pools(runs) == pools(shuffled)


@given(runs_of_any_age, st.integers(0, 6))
def test_for_every_age_the_oldest_pool_within_it_holds_all_runs_within_it(runs: list[EvidenceRun], age: int) -> None:
    within = [r for r in runs if NOW - parse_time(str(r.predicate["finished"])) <= age]
    found = [p for p in pools(runs) if not p["independent"] and cast("int", p["oldest_age_seconds"]) <= age]
    widest = max(found, key=lambda p: cast("int", p["oldest_age_seconds"]), default=None)
    assert (widest is None) == (not within)
    assert widest is None or sorted(cast("list[str]", widest["runs"])) == sorted(r.id for r in within)
