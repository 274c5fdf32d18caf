"""Facts as they would be after somebody had done something: a submit, an approval, a run, a request, a wait. Pure.

Each is the best of its kind: signed now by somebody who has no other duty here, of a run that passed everything. So
what such facts can't lift, no real ones can. They are only ever put to an engine that explains, never to one that
decides.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.evidence.bounds import CONFIDENCES, ONE_BP, pass_bound
from bspec_opa.foundation.limits import UNLIMITED
from bspec_opa.foundation.times import format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bspec_opa.foundation.canonical import JsonObject

Facts = dict[str, Any]
RESOLVE, SUBMIT, EVIDENCE, APPROVAL, REQUEST, SOAK = "resolve", "submit", "evidence", "approval", "request", "soak"
REVIEW = "review"
ORDER = (RESOLVE, SOAK, REVIEW, SUBMIT, EVIDENCE, APPROVAL, REQUEST)
"""In which they are done: a run after an approval would void it, a request is of the last moment."""
NEW = "supposed"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that people would have to do.

    Attributes:
        kind: one of :data:`ORDER`.
        role: of the approvals; empty for any that counts.
        question: of the run.
        method: of the run.
        count: how many approvals by different people, cases of the run, or seconds to wait.
        probes: out-of-scope entries that the run must probe, each with the number of its probes.
    """

    kind: str
    role: str = ""
    question: str = ""
    method: str = ""
    count: int = 0
    probes: tuple[tuple[str, int], ...] = ()

    @property
    def key(self) -> tuple[int, str, str, str]:
        """What makes two of them one."""
        return ORDER.index(self.kind), self.role, self.question, self.method

    def with_count(self, count: int) -> Step:
        """The same, more or fewer times."""
        return replace(self, count=count)

    def and_also(self, other: Step) -> Step:
        """Both at once; counts are what is still missing, so they add up."""
        probes = dict(self.probes)
        for entry, number in other.probes:
            probes[entry] = probes.get(entry, 0) + number
        return replace(self, count=self.count + other.count, probes=tuple(sorted(probes.items())))


def supposing(request: JsonObject, steps: Iterable[Step]) -> JsonObject:
    """The input as it would be after these steps, in the order of the protocol; what can't be supposed is left out."""
    facts = cast("Facts", copy.deepcopy(request))
    for step in sorted(steps, key=lambda s: s.key):
        made = _MAKERS.get(step.kind)
        if made is not None:
            made(facts, step)
    return facts


def _submit(facts: Facts, _: Step) -> None:
    who = f"person:{NEW}-author"
    facts["submits"].append({"id": f"{NEW}:submit", "principal": who, "group": f"team:{NEW}", "current": True})
    facts["authors"] = sorted({*facts["authors"], who})


def _approve(facts: Facts, step: Step) -> None:
    for number in range(step.count):
        name = f"{NEW}-{step.role or 'anybody'}-{number}"
        facts["approvals"].append(
            {
                "id": f"{NEW}:approval:{name}",
                "principal": f"person:{name}",
                "group": f"team:{name}",
                "role": step.role,
                "decision": "approve",
                "age_seconds": 0,
                "expires_unix": UNLIMITED,
                "binds": dict.fromkeys(
                    ("intent", "binding", "base", "source", "evidence", "change", "view"), True
                ),
            }
        )  # fmt: skip


def _request(facts: Facts, _: Step) -> None:
    facts["requester"] = [
        {
            "id": f"{NEW}:request",
            "principal": f"person:{NEW}-promoter",
            "group": f"team:{NEW}-promoter",
            "age_seconds": 0,
            "expires_unix": UNLIMITED,
            "current": True,
        }
    ]


def _attest(facts: Facts, step: Step) -> None:
    """One more run, newer than all others: alone, and together with each pool that there was."""
    mine = [p for p in facts["evidence"] if (p["question"], p["method"]) == (step.question, step.method)]
    for independent in (False, True):
        old = [p for p in mine if p["independent"] == independent]
        facts["evidence"] += [_pool(step, independent=independent), *(_grown(p, step) for p in old)]
    facts["evidence"] = [p for p in facts["evidence"] if p not in mine]
    if facts["predecessor_expected"]:
        # An approval where there is a source was given with all of the evidence of then.
        for approval in facts["approvals"]:
            approval["binds"]["evidence"] = False


def _pool(step: Step, *, independent: bool) -> Facts:
    empty: Facts = {
        "question": step.question,
        "method": step.method,
        "independent": independent,
        "runs": [],
        "evaluators": [],
        "oldest_age_seconds": 0,
        "cases": 0,
        "passed": 0,
        "bounds": [],
        "probes": [],
        "undeclared_tools": [],
    }
    return _grown(empty, step)


def _grown(pool: Facts, step: Step) -> Facts:
    cases, passed = pool["cases"] + step.count, pool["passed"] + step.count
    probes = {p["scope_out_id"]: p for p in pool["probes"]}
    for entry, number in step.probes:
        old = probes.get(entry, {"cases": 0, "passed": 0})
        probes[entry] = {"scope_out_id": entry, "cases": old["cases"] + number, "passed": old["passed"] + number}
    bounds = [_bound(cases, passed, c) for c in CONFIDENCES] if cases else []
    return {
        **pool,
        "runs": [f"{NEW}:run", *pool["runs"]],
        "evaluators": sorted({*pool["evaluators"], f"person:{NEW}-evaluator"}),
        "cases": cases,
        "passed": passed,
        "bounds": bounds,
        "probes": [probes[k] for k in sorted(probes)],
    }


def _bound(cases: int, passed: int, confidence: int) -> Facts:
    bound = pass_bound(cases, passed, confidence)
    return {"confidence_bp": confidence, "pass_bp": bound, "asr_bp": ONE_BP - bound}


def _review(facts: Facts, _: Step) -> None:
    facts["unreviewed"] = []


def _wait(facts: Facts, step: Step) -> None:
    """Everything is older afterwards, and what expires until then has expired."""
    facts["now_unix"] += step.count
    facts["now"] = format_time(facts["now_unix"])
    waiting = (*facts["rollback"], *facts["unreviewed"])
    for aged in (*facts["predecessor"], *facts["approvals"], *facts["requester"], *waiting):
        aged["age_seconds"] += step.count
    for pool in facts["evidence"]:
        pool["oldest_age_seconds"] += step.count


_MAKERS: dict[str, Callable[[Facts, Step], None]] = {
    SUBMIT: _submit,
    APPROVAL: _approve,
    REQUEST: _request,
    EVIDENCE: _attest,
    SOAK: _wait,
    REVIEW: _review,
}
