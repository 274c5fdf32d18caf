"""From sequenced evaluation runs to the ``evidence`` that a policy sees: pooled, with exact bounds.

All runs of one question and method count together, so that a run that passed can't be picked. Pools are nested:
the newest run, the two newest, and so on; a policy takes the oldest that is still fresh enough for it. Runs that
finished in the same second enter together, as no age tells them apart. Each question and method is pooled twice:
over all runs, and over those alone whose evaluator is independent of every author.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from bspec_opa.evidence.bounds import CONFIDENCES, ONE_BP, pass_bound
from bspec_opa.evidence.reasons import BAD_COUNTS, BAD_PROBES, BAD_TIMES, TOO_MANY_CASES, TOO_MANY_RUNS
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.limits import MAX_EVIDENCE_CASES
from bspec_opa.foundation.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.foundation.errors import Problem

MAX_POOLED_RUNS = 256
"""Runs of one question and method; the pools list them all, so their size grows with the square."""
WILDCARD = "*"


@dataclass(frozen=True, slots=True)
class EvidenceRun:
    """One verified evidence record.

    Attributes:
        id: the record's digest.
        principal: who signed it.
        group: that principal's group.
        surface: the subject ``surface``.
        binding: the subject ``binding``.
        predicate: the record's predicate; its closed schema is checked already.
    """

    id: str
    principal: str
    group: str
    surface: str
    binding: str
    predicate: JsonObject


class Author(Protocol):
    """Somebody who submitted a version since the head."""

    @property
    def principal(self) -> str:
        """Who it is."""
        ...

    @property
    def group(self) -> str:
        """That person's group."""
        ...


def evidence_facts(
    runs: Iterable[EvidenceRun],
    *,
    surface: Digest,
    binding: Digest,
    declared: Mapping[str, Collection[str]],
    authors: Collection[Author],
    now: int,
    seen: Collection[str] = (),
) -> list[JsonObject]:
    """The pools, in the shape of ``evidence`` of ``bspec.input/v1``.

    Args:
        runs: verified and sequenced evidence records; those about another surface or binding are not evidence
            for this one (attack A06), and those that :func:`run_problem` refuses are left out.
        surface: the surface digest that is being promoted.
        binding: the binding digest that is being promoted.
        declared: the intent's operations by tool id; ``*`` stands for all.
        authors: everyone who submitted a version since the head.
        now: Unix seconds.
        seen: tools that the agent used in runs that count no more: none of their cases counts, and what they saw does.

    Returns:
        Sorted by question, method, independence and age.

    Raises:
        InvalidInputError: more cases or runs than the limits allow.
    """
    usable = {r.id: r for r in runs if (r.surface, r.binding) == (surface, binding)}
    kept = [_Run.of(r, declared, now) for r in usable.values() if run_problem(r.predicate, now) is None]
    found: list[JsonObject] = []
    for (question, method), several in sorted(_grouped(kept).items()):
        for independent in (False, True):
            chosen = [r for r in several if not independent or is_independent(r.run, authors)]
            found += [
                _pool_fact(question, method, p, independent=independent, undeclared=_undeclared(p, seen, declared))
                for p in _pools(chosen)
            ]
    return found


def same_run(one: EvidenceRun, other: EvidenceRun) -> bool:
    """Whether two records are of one run: the same log with the same outcome."""
    return _identity(one.predicate) == _identity(other.predicate)


def refused_runs(runs: Iterable[EvidenceRun], now: int) -> list[JsonObject]:
    """The runs that can't be counted, in the shape of ``rejected`` of ``bspec.input/v1``, sorted by id."""
    found: dict[str, JsonObject] = {}
    for run in runs:
        problem = run_problem(run.predicate, now)
        if problem is not None:
            found[run.id] = {"type": "evidence", "id": run.id, "reason": problem.message}
    return [found[i] for i in sorted(found)]


def is_independent(run: EvidenceRun, authors: Collection[Author]) -> bool:
    """Whether the evaluator neither is an author nor belongs to the group of one."""
    return all(run.principal != a.principal and run.group != a.group for a in authors)


def run_problem(predicate: JsonObject, now: int) -> Problem | None:
    """What a closed schema can't see and makes a run uncountable: sums, probes, times (attack A42)."""
    counts: dict[str, int] = predicate["counts"]  # type: ignore[assignment]
    if counts["n"] < 1 or counts["n"] != sum(counts[k] for k in ("pass", "fail", "error", "skip")):
        return BAD_COUNTS.problem("the counts don't add up to n, or n is 0")
    probes: list[dict[str, str | int]] = predicate["probes"]  # type: ignore[assignment]
    names = [p["scope_out_id"] for p in probes]
    if len(set(names)) < len(names) or any(int(p["passed"]) > int(p["cases"]) for p in probes):
        return BAD_PROBES.problem("a probe is listed twice or passed more cases than it had")
    contradiction = probes_contradict(counts, [(int(p["cases"]), int(p["passed"])) for p in probes])
    if contradiction:
        return BAD_PROBES.problem(contradiction)
    return times_problem(str(predicate["started"]), str(predicate["finished"]), now)


def probes_contradict(counts: Mapping[str, int], probes: Iterable[tuple[int, int]]) -> str:
    """How probes, as cases and passed, contradict the counts of their run; empty where they don't.

    A case that probes an entry is one of the run's cases, and one whose probe failed has not passed.
    """
    several = [*probes]
    if any(cases > counts["n"] for cases, _ in several):
        return "a probe has more cases than the run"
    failed, unpassed = sum(cases - passed for cases, passed in several), counts["n"] - counts["pass"]
    return f"{failed} probes failed, but only {unpassed} cases did not pass" if failed > unpassed else ""


def times_problem(started: str, finished: str, now: int) -> Problem | None:
    """What is wrong with the times of an evaluation, if anything; being in the future is."""
    try:
        start, finish = parse_time(started), parse_time(finished)
    except BspecError as e:
        return BAD_TIMES.problem(e.problems[0].message, hint=e.problems[0].hint)
    if start > finish:
        return BAD_TIMES.problem(f"it finished at {finished}, before it started at {started}")
    if finish > now:
        return BAD_TIMES.problem(f"it finished at {finished}, which lies in the future")
    return None


@dataclass(frozen=True, slots=True)
class _Run:
    """A run with what pooling needs at hand.

    Attributes:
        run: the record.
        age: seconds since it finished.
        cases: how many.
        passed: how many of them passed.
        clean: whether nothing in it speaks against the agent.
    """

    run: EvidenceRun
    age: int
    cases: int
    passed: int
    clean: bool

    @classmethod
    def of(cls, run: EvidenceRun, declared: Mapping[str, Collection[str]], now: int) -> _Run:
        counts: dict[str, int] = run.predicate["counts"]  # type: ignore[assignment]
        observed: list[str] = run.predicate["observed_tools"]  # type: ignore[assignment]
        clean = counts["n"] == counts["pass"] and all(_is_declared(o, declared) for o in observed)
        return cls(run, now - parse_time(str(run.predicate["finished"])), counts["n"], counts["pass"], clean)

    def identity(self) -> bytes:
        """Equal for two records of the same run: attesting a log again neither multiplies nor refreshes it."""
        return _identity(self.run.predicate)


def _identity(predicate: JsonObject) -> bytes:
    return canonical_bytes([predicate[k] for k in ("raw_log", "counts", "probes", "observed_tools")])


def _grouped(runs: Sequence[_Run]) -> dict[tuple[str, str], list[_Run]]:
    found: dict[tuple[str, str], list[_Run]] = {}
    for run in runs:
        key = (str(run.run.predicate["question"]), str(run.run.predicate["method"]))
        found.setdefault(key, []).append(run)
    return found


def _pools(runs: Sequence[_Run]) -> list[list[_Run]]:
    """Every set "all runs up to some age", newest first; of several records of one run one stands.

    Of a clean run it is the oldest, so that attesting it again doesn't refresh it; of any other the newest, so that
    nobody can age a failure by attesting it again as an older one (attack A83).
    """
    oldest_first = sorted(runs, key=lambda r: (-r.age, r.run.id))
    distinct: dict[bytes, _Run] = {}
    for run in oldest_first:
        if not run.clean or run.identity() not in distinct:
            distinct[run.identity()] = run
    newest_first = sorted(distinct.values(), key=lambda r: (r.age, r.run.id))
    _check_limits(newest_first)
    pools: list[list[_Run]] = []
    for _, together in groupby(newest_first, key=lambda r: r.age):
        pools.append([*(pools[-1] if pools else []), *together])
    return pools


def _check_limits(runs: Sequence[_Run]) -> None:
    if len(runs) > MAX_POOLED_RUNS:
        raise TOO_MANY_RUNS.error(f"{len(runs)} runs of one question and method; {MAX_POOLED_RUNS} are pooled")
    cases = sum(r.cases for r in runs)
    if cases > MAX_EVIDENCE_CASES:
        raise TOO_MANY_CASES.error(f"{cases} cases of one question and method; the limit is {MAX_EVIDENCE_CASES}")


def _pool_fact(
    question: str, method: str, pool: Sequence[_Run], *, independent: bool, undeclared: list[JsonValue]
) -> JsonObject:
    cases, passed = sum(r.cases for r in pool), sum(r.passed for r in pool)
    runs: list[JsonValue] = [r.run.id for r in pool]
    evaluators: list[JsonValue] = [*sorted({r.run.principal for r in pool})]
    return {
        "question": question,
        "method": method,
        "independent": independent,
        "runs": runs,
        "evaluators": evaluators,
        "oldest_age_seconds": pool[-1].age,
        "cases": cases,
        "passed": passed,
        "bounds": [_bound(cases, passed, c) for c in CONFIDENCES],
        "probes": _probes(pool),
        "undeclared_tools": undeclared,
    }


def _bound(cases: int, passed: int, confidence_bp: int) -> JsonValue:
    bound = pass_bound(cases, passed, confidence_bp)
    return {"confidence_bp": confidence_bp, "pass_bp": bound, "asr_bp": ONE_BP - bound}


def _probes(pool: Sequence[_Run]) -> list[JsonValue]:
    cases: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    for run in pool:
        probes: list[JsonObject] = run.run.predicate["probes"]  # type: ignore[assignment]
        for probe in probes:
            cases[str(probe["scope_out_id"])] += int(probe["cases"])  # type: ignore[arg-type]
            passed[str(probe["scope_out_id"])] += int(probe["passed"])  # type: ignore[arg-type]
    return [{"scope_out_id": i, "cases": cases[i], "passed": passed[i]} for i in sorted(cases)]


def _undeclared(
    pool: Sequence[_Run], seen: Collection[str], declared: Mapping[str, Collection[str]]
) -> list[JsonValue]:
    observed = set(seen)
    for run in pool:
        observed.update(run.run.predicate["observed_tools"])  # type: ignore[arg-type]
    return [o for o in sorted(observed) if not _is_declared(o, declared)]


def _is_declared(observed: str, declared: Mapping[str, Collection[str]]) -> bool:
    tool, _, operation = observed.partition("/")
    operations = declared.get(tool, ())
    return operation in operations or (WILDCARD in operations and bool(operation))
