"""``bspec.evaluation-result/v1``: what a harness writes after it has run, as JSON or YAML.

A result is no evidence yet; it becomes evidence when an evaluator signs it (:mod:`bspec_opa.evidence.record`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.evidence.facts import probes_contradict, times_problem
from bspec_opa.evidence.reasons import BAD_COUNTS, BAD_LOG, BAD_PROBES, BAD_RESULT
from bspec_opa.foundation.closed_schema import DIGEST, IDENTIFIER, TIME, array, enum, integer, obj, string
from bspec_opa.foundation.digest import ZERO_DIGEST, Digest
from bspec_opa.foundation.document.load import load_document
from bspec_opa.foundation.errors import BspecError, error_of
from bspec_opa.foundation.files import safe_name
from bspec_opa.foundation.limits import MAX_EVIDENCE_CASES
from bspec_opa.foundation.shape import value_problems
from bspec_opa.foundation.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.foundation.errors import Problem

RESULT_SCHEMA_NAME = "bspec.evaluation-result/v1"
QUESTIONS = ("boundary", "privilege", "constraint")
METHODS = ("functional", "adversarial", "red-team", "manual")
MAX_PROBES = 1000
MAX_OBSERVED = 10_000
_NAME = string(minimum=1, maximum=200)
_CASES = integer(0, MAX_EVIDENCE_CASES)

RESULT_SCHEMA = obj(
    schema=enum(RESULT_SCHEMA_NAME),
    question=enum(*QUESTIONS),
    method=enum(*METHODS),
    counts=obj(n=_CASES, pass_=_CASES, fail=_CASES, error=_CASES, skip=_CASES),
    probes=array(obj(scope_out_id=IDENTIFIER, cases=_CASES, passed=_CASES), maximum=MAX_PROBES),
    observed_tools=array(
        string(pattern="^[a-z0-9][a-z0-9._-]*/[A-Za-z0-9_./$][!-)+-~]*( [!-)+-~]+)*$", maximum=400),
        maximum=MAX_OBSERVED,
    ),
    dataset=obj(name=_NAME, digest=DIGEST),
    harness=obj(name=_NAME, version=_NAME, digest=DIGEST),
    raw_log=obj({"path": string(minimum=1, maximum=400), "digest": DIGEST}),
    started=TIME,
    finished=TIME,
)
"""The shape of a result; ``raw_log`` has exactly one of its members."""


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """One run of a harness, checked.

    Attributes:
        question: boundary, privilege or constraint.
        method: functional, adversarial, red-team or manual.
        counts: n, pass, fail, error and skip; n is the sum of the others and at least 1.
        probes: for entries of ``scope.out``, how many cases tried them and how many passed.
        observed_tools: ``tool/operation`` of every call seen, sorted.
        dataset: name and digest.
        harness: name, version and digest.
        raw_log: the digest of the unabridged log.
        started: a time.
        finished: a time, not before ``started``.
    """

    question: str
    method: str
    counts: JsonObject
    probes: tuple[JsonObject, ...]
    observed_tools: tuple[str, ...]
    dataset: JsonObject
    harness: JsonObject
    raw_log: Digest
    started: str
    finished: str


def load_result(
    data: bytes,
    name: str,
    *,
    now: int,
    scope_out: Collection[str],
    digest_log: Callable[[str], Digest],
) -> EvaluationResult:
    """A result document, checked against the intent that it is about.

    Args:
        data: the document.
        name: what messages call it.
        now: Unix seconds; a result from the future is refused (attack A42).
        scope_out: ids of the intent's ``scope.out``; a probe of anything else is refused.
        digest_log: gives the digest of the raw log by its path, which is relative to the document.

    Raises:
        InvalidInputError: all problems of the document, each with its place.
    """
    document = load_document(data, name)
    value = _with_log_object(document.value)
    problems = value_problems(RESULT_SCHEMA, value, BAD_RESULT, document)
    if not problems:
        problems = list(_cross_checks(document, cast("JsonObject", value), now, scope_out))
    if problems:
        raise error_of(problems)
    return _result_of(cast("JsonObject", value), digest_log)


def _with_log_object(value: JsonValue) -> JsonValue:
    """``raw_log: PATH`` is short for ``raw_log: {path: PATH}``."""
    if isinstance(value, dict) and isinstance(value.get("raw_log"), str):
        return {**value, "raw_log": {"path": value["raw_log"]}}
    return value


def _cross_checks(document: Document, value: JsonObject, now: int, scope_out: Collection[str]) -> Iterator[Problem]:
    yield from _count_problems(document, cast("dict[str, int]", value["counts"]))
    yield from _probe_problems(document, cast("list[dict[str, str | int]]", value["probes"]), scope_out)
    yield from _contradictions(document, cast("dict[str, int]", value["counts"]), value["probes"])
    yield from _log_problems(document, cast("dict[str, str]", value["raw_log"]))
    yield from _placeholders(document, value)
    problem = times_problem(str(value["started"]), str(value["finished"]), now)
    if problem is not None:
        yield problem.reason.problem(problem.message, hint=problem.hint, at=document.locate("/finished"))


def _count_problems(document: Document, counts: dict[str, int]) -> Iterator[Problem]:
    total = sum(counts[k] for k in ("pass", "fail", "error", "skip"))
    at = document.locate("/counts/n")
    if counts["n"] == 0:
        yield BAD_COUNTS.problem("counts.n is 0: nothing was evaluated", hint="run at least one case", at=at)
    if counts["n"] != total:
        yield BAD_COUNTS.problem(
            f"counts.n is {counts['n']}, but pass, fail, error and skip add up to {total}",
            hint="report every case once",
            at=at,
        )


def _probe_problems(
    document: Document, probes: list[dict[str, str | int]], scope_out: Collection[str]
) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, probe in enumerate(probes):
        probed, at = str(probe["scope_out_id"]), document.locate(f"/probes/{index}/scope_out_id")
        if probed not in scope_out:
            hint = did_you_mean(probed, scope_out)
            yield BAD_PROBES.problem(f'the intent has no entry "{probed}" in scope.out', hint=hint, at=at)
        if probed in seen:
            yield BAD_PROBES.problem(f'"{probed}" is probed twice', hint="add the cases up in one probe", at=at)
        if int(probe["passed"]) > int(probe["cases"]):
            yield BAD_PROBES.problem(
                f"{probe['passed']} of {probe['cases']} cases passed", at=document.locate(f"/probes/{index}/passed")
            )
        seen.add(probed)


def _contradictions(document: Document, counts: dict[str, int], probes: JsonValue) -> Iterator[Problem]:
    found = probes_contradict(counts, [(p["cases"], p["passed"]) for p in cast("list[dict[str, int]]", probes)])
    if found and counts["n"]:
        yield BAD_PROBES.problem(found, hint="count a failed probe as a failed case", at=document.locate("/probes"))


def _log_problems(document: Document, log: dict[str, str]) -> Iterator[Problem]:
    at = document.locate("/raw_log")
    if len(log) != 1:
        yield BAD_LOG.problem("raw_log needs either path or digest", hint="keep one of them", at=at)
    elif log.get("digest") == ZERO_DIGEST:
        yield BAD_LOG.problem("raw_log.digest is the scaffold's placeholder", hint="name the run's own log", at=at)
    elif "path" in log:
        try:
            relative_path(log["path"])
        except BspecError as e:
            hint = "name a file beside the result, without .. or a leading slash"
            yield BAD_LOG.problem(
                f"raw_log.path: {e.problems[0].message}", hint=hint, at=document.locate("/raw_log/path")
            )


def _placeholders(document: Document, value: JsonObject) -> Iterator[Problem]:
    """What the scaffold left to be filled in: it names no dataset and no harness, so it proves nothing."""
    for member in ("dataset", "harness"):
        if cast("dict[str, str]", value[member])["digest"] == ZERO_DIGEST:
            at = document.locate(f"/{member}/digest")
            message = f"{member}.digest is the scaffold's placeholder"
            yield BAD_RESULT.problem(message, hint=f"name the {member} that was used, by its sha256", at=at)


def relative_path(text: str) -> str:
    """A path that stays below its directory (attack A70).

    Raises:
        InvalidInputError: it is absolute, or a part of it is no safe name.
    """
    return "/".join(safe_name(part) for part in text.split("/"))


def _result_of(value: JsonObject, digest_log: Callable[[str], Digest]) -> EvaluationResult:
    log = cast("dict[str, str]", value["raw_log"])
    observed = cast("list[str]", value["observed_tools"])
    probes = cast("list[JsonObject]", value["probes"])
    return EvaluationResult(
        question=str(value["question"]),
        method=str(value["method"]),
        counts=cast("JsonObject", value["counts"]),
        probes=tuple(sorted(probes, key=lambda p: str(p["scope_out_id"]))),
        observed_tools=tuple(sorted(set(observed))),
        dataset=cast("JsonObject", value["dataset"]),
        harness=cast("JsonObject", value["harness"]),
        raw_log=Digest(log["digest"]) if "digest" in log else digest_log(log["path"]),
        started=str(value["started"]),
        finished=str(value["finished"]),
    )
