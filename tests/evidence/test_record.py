from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.approval.facts import Author
from bspec_opa.evidence.facts import EvidenceRun, evidence_facts
from bspec_opa.evidence.record import evidence_predicate
from bspec_opa.evidence.result import EvaluationResult
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.times import format_time

if TYPE_CHECKING:
    from world import World

    from bspec_opa.foundation.canonical import JsonObject


def result(finished: str) -> EvaluationResult:
    return EvaluationResult(
        question="privilege",
        method="adversarial",
        counts={"n": 3, "pass": 2, "fail": 1, "error": 0, "skip": 0},
        probes=({"scope_out_id": "refunds", "cases": 3, "passed": 2},),
        observed_tools=("billing_read_api/get_invoice",),
        dataset={"name": "set", "digest": digest_of(b"set")},
        harness={"name": "inspect", "version": "1", "digest": digest_of(b"harness")},
        raw_log=digest_of(b"log"),
        started="2026-05-20T00:00:00Z",
        finished=finished,
    )


def expected(finished: str) -> JsonObject:
    return {
        "environment": "staging",
        "question": "privilege",
        "method": "adversarial",
        "counts": {"n": 3, "pass": 2, "fail": 1, "error": 0, "skip": 0},
        "probes": [{"scope_out_id": "refunds", "cases": 3, "passed": 2}],
        "observed_tools": ["billing_read_api/get_invoice"],
        "dataset": {"name": "set", "digest": digest_of(b"set")},
        "harness": {"name": "inspect", "version": "1", "digest": digest_of(b"harness")},
        "raw_log": {"digest": digest_of(b"log")},
        "started": "2026-05-20T00:00:00Z",
        "finished": finished,
    }


def test_a_result_becomes_the_members_of_the_record() -> None:
    finished = "2026-05-20T01:00:00Z"
    assert evidence_predicate(result(finished), "staging") == expected(finished)


def test_the_record_can_be_signed_verified_and_counted(world: World) -> None:
    finished = format_time(world.NOW - 60)
    record = world.verify(world.evidence(**evidence_predicate(result(finished), "staging")))
    assert {k: record.predicate[k] for k in expected(finished)} == expected(finished)
    run = EvidenceRun(record.id, record.principal, record.group, world.SURFACE, world.BINDING, record.predicate)
    pools = evidence_facts(
        [run],
        surface=world.SURFACE,
        binding=world.BINDING,
        declared={"billing_read_api": {"get_invoice"}},
        authors=[Author("alice", "team:support")],
        now=world.NOW,
    )
    assert [(p["independent"], p["cases"], p["passed"], p["evaluators"]) for p in pools] == [
        (False, 3, 2, ["eve"]),
        (True, 3, 2, ["eve"]),
    ]
