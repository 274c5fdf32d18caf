from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.evidence.result import EvaluationResult, load_result, relative_path
from bspec_opa.foundation.digest import ZERO_DIGEST, Digest, digest_of
from bspec_opa.foundation.errors import BspecError, InvalidInputError
from bspec_opa.foundation.limits import MAX_EVIDENCE_CASES
from bspec_opa.foundation.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence

NOW = parse_time("2026-06-01T12:00:00Z")
SCOPE_OUT = ("refunds", "legal-advice")
LOG = digest_of(b"log")
YAML = f"""\
schema: bspec.evaluation-result/v1
question: boundary
method: red-team
counts: {{"n": 200, pass: 198, fail: 1, error: 1, skip: 0}}
probes:
  - {{scope_out_id: refunds, cases: 120, passed: 119}}
  - {{scope_out_id: legal-advice, cases: 80, passed: 79}}
observed_tools: [billing_read_api/list_invoices, billing_read_api/get_invoice, billing_read_api/get_invoice]
dataset: {{name: billing-red-team, digest: "{digest_of(b"dataset")}"}}
harness: {{name: inspect_ai, version: 0.3.5, digest: "{digest_of(b"harness")}"}}
raw_log: logs/run-1.json
started: "2026-05-31T10:00:00Z"
finished: "2026-05-31T11:00:00Z"
"""


def load(text: str, *, now: int = NOW, scope_out: Sequence[str] = SCOPE_OUT) -> EvaluationResult:
    logs = {"logs/run-1.json": LOG}
    return load_result(text.encode(), "result.yaml", now=now, scope_out=scope_out, digest_log=logs.__getitem__)


def problems(text: str) -> list[tuple[str, str]]:
    """Code and full text of each problem."""
    with pytest.raises(InvalidInputError) as caught:
        load(text)
    return [(p.reason.code, str(p)) for p in caught.value.problems]


def changed(old: str, new: str) -> str:
    assert YAML.count(old) == 1
    return YAML.replace(old, new)


EXPECTED = EvaluationResult(
    question="boundary",
    method="red-team",
    counts={"n": 200, "pass": 198, "fail": 1, "error": 1, "skip": 0},
    probes=(
        {"scope_out_id": "legal-advice", "cases": 80, "passed": 79},
        {"scope_out_id": "refunds", "cases": 120, "passed": 119},
    ),
    observed_tools=("billing_read_api/get_invoice", "billing_read_api/list_invoices"),
    dataset={"name": "billing-red-team", "digest": digest_of(b"dataset")},
    harness={"name": "inspect_ai", "version": "0.3.5", "digest": digest_of(b"harness")},
    raw_log=LOG,
    started="2026-05-31T10:00:00Z",
    finished="2026-05-31T11:00:00Z",
)


def test_a_yaml_result_is_read() -> None:
    assert load(YAML) == EXPECTED


def test_a_json_result_is_read() -> None:
    document = {
        "schema": "bspec.evaluation-result/v1",
        "question": "boundary",
        "method": "red-team",
        "counts": EXPECTED.counts,
        "probes": list(EXPECTED.probes),
        "observed_tools": list(EXPECTED.observed_tools),
        "dataset": EXPECTED.dataset,
        "harness": EXPECTED.harness,
        "raw_log": {"digest": LOG},
        "started": EXPECTED.started,
        "finished": EXPECTED.finished,
    }
    assert load(json.dumps(document)) == EXPECTED


def test_the_log_may_be_a_path_in_an_object() -> None:
    assert load(changed("raw_log: logs/run-1.json", "raw_log: {path: logs/run-1.json}")) == EXPECTED


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("method: red-team", "metod: red-team", "result.yaml:3:1: metod: unknown member"),
        ("method: red-team", "method: vibes", "result.yaml:3:9: method: must be one of functional"),
        (": 200", ': "200"', "result.yaml:4:15: counts.n: must be an integer"),
        (": 200", f": {MAX_EVIDENCE_CASES + 1}", "counts.n: must be 0 to 100000"),
        ("skip: 0", "skip: -1", "counts.skip: must be 0 to"),
        ("v1\n", "v2\n", "result.yaml:1:9: schema: must be one of bspec.evaluation-result/v1"),
        ("[billing_read_api/list_invoices,", "[list_invoices,", "observed_tools[0]: has another form"),
        ("cases: 80,", "", 'probes[1]: lacks "cases"'),
        (
            'started: "2026',
            'started: "26',
            'started: has another form than expected: a time in UTC such as 2026-06-01T10:00:00Z, and not "26',
        ),
    ],
)
def test_another_shape_is_refused_with_its_place(old: str, new: str, expected: str) -> None:
    found = problems(changed(old, new))
    assert {code for code, _ in found} == {"evidence.bad-result"}
    assert any(expected in text for _, text in found)


def test_a_misspelt_member_has_a_near_name() -> None:
    assert [text for _, text in problems(changed("passed: 79", "pased: 79"))] == [
        'result.yaml:7:5: probes[1]: lacks "passed"',
        'result.yaml:7:45: probes[1].pased: unknown member "pased"; did you mean "passed"?',
    ]


@pytest.mark.attack("A42")
@pytest.mark.parametrize("number", [".nan", "0.5", "1e3", "NaN"])
def test_numbers_that_count_nothing_are_refused(number: str) -> None:
    assert problems(changed(": 200", f": {number}")) != []


@pytest.mark.attack("A42")
def test_nothing_evaluated_is_refused() -> None:
    text = changed('{"n": 200, pass: 198, fail: 1, error: 1, skip: 0}', '{"n": 0, pass: 0, fail: 0, error: 0, skip: 0}')
    assert problems(text) == [
        (
            "evidence.bad-counts",
            "result.yaml:4:15: counts.n is 0: nothing was evaluated; run at least one case",
        )
    ]


def test_sums_that_do_not_add_up_are_refused() -> None:
    assert problems(changed("skip: 0", "skip: 7")) == [
        (
            "evidence.bad-counts",
            "result.yaml:4:15: counts.n is 200, but pass, fail, error and skip add up to 207; report every case once",
        )
    ]


def test_all_problems_of_the_probes_are_told_at_once() -> None:
    text = changed("legal-advice, cases: 80, passed: 79", "refund, cases: 80, passed: 81").replace(
        "observed_tools", "  - {scope_out_id: refunds, cases: 1, passed: 1}\nobserved_tools"
    )
    assert problems(text) == [
        (
            "evidence.bad-probes",
            'result.yaml:7:20: the intent has no entry "refund" in scope.out; did you mean "refunds"?',
        ),
        ("evidence.bad-probes", "result.yaml:7:47: 81 of 80 cases passed"),
        ("evidence.bad-probes", 'result.yaml:8:20: "refunds" is probed twice; add the cases up in one probe'),
    ]


@pytest.mark.attack("A42")
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("passed: 79", "passed: 0", "81 probes failed, but only 2 cases did not pass; count a failed probe as a"),
        ("cases: 120, passed: 119", "cases: 201, passed: 201", "a probe has more cases than the run"),
    ],
)
def test_probes_that_contradict_the_counts_are_refused(old: str, new: str, expected: str) -> None:
    ((code, text),) = problems(changed(old, new))
    assert code == "evidence.bad-probes"
    assert text.startswith(f"result.yaml:6:3: {expected}")


@pytest.mark.attack("A42")
def test_times_are_in_order_and_past() -> None:
    assert problems(changed('"2026-05-31T10:00:00Z"', '"2026-05-31T11:00:01Z"')) == [
        (
            "evidence.bad-times",
            "result.yaml:13:11: it finished at 2026-05-31T11:00:00Z, before it started at 2026-05-31T11:00:01Z",
        )
    ]
    assert problems(changed('"2026-05-31T11:00:00Z"', '"2026-06-01T12:00:01Z"'))[0][0] == "evidence.bad-times"
    assert problems(changed('"2026-05-31T11:00:00Z"', '"2026-02-30T12:00:01Z"'))[0][0] == "evidence.bad-times"
    assert load(changed('"2026-05-31T11:00:00Z"', '"2026-06-01T12:00:00Z"')).finished == "2026-06-01T12:00:00Z"


@pytest.mark.attack("A70")
@pytest.mark.parametrize(
    "log",
    ["../secret", "/etc/passwd", "a/../../b", "logs//x", ".hidden", "a\\b", "x" * 250, "{path: a, digest: b}", "{}"],
)
def test_a_log_outside_the_results_directory_is_refused(log: str) -> None:
    text = changed("raw_log: logs/run-1.json", f"raw_log: {log}").replace("digest: b}", f'digest: "{LOG}"}}')
    assert {code for code, _ in problems(text)} == {"evidence.bad-log"}


@pytest.mark.attack("A70")
@given(st.text(max_size=30))
def test_an_accepted_path_stays_below(text: str) -> None:
    try:
        path = relative_path(text)
    except BspecError as e:
        assert e.code == "file.bad-name"  # noqa: PT017 - both outcomes are right
    else:
        assert path == text
        assert all(part and not part.startswith(".") and part.isascii() for part in path.split("/"))


def test_a_digest_of_a_log_is_taken_as_it_is() -> None:
    other = Digest("sha256:" + "ab" * 32)
    assert load(changed("raw_log: logs/run-1.json", f'raw_log: {{digest: "{other}"}}')).raw_log == other


def test_a_placeholder_for_the_log_is_refused() -> None:
    text = changed("raw_log: logs/run-1.json", f'raw_log: {{digest: "{ZERO_DIGEST}"}}')
    assert problems(text) == [
        (
            "evidence.bad-log",
            "result.yaml:11:10: raw_log.digest is the scaffold's placeholder; name the run's own log",
        )
    ]


@pytest.mark.parametrize(("member", "place"), [("dataset", "9:43"), ("harness", "10:53")])
def test_a_placeholder_for_what_was_used_is_refused(member: str, place: str) -> None:
    message = f"{member}.digest is the scaffold's placeholder; name the {member} that was used, by its sha256"
    text = changed(str(digest_of(member.encode())), ZERO_DIGEST)
    assert problems(text) == [("evidence.bad-result", f"result.yaml:{place}: {message}")]
