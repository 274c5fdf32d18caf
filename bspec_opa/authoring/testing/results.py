"""OPA's result of a test run, as ours."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.authoring.testing.model import ERROR, FAILED, PASSED, Outcome, Run
from bspec_opa.authoring.testing.trace import Tracer, count_cases
from bspec_opa.bundle.reasons import OPA_FAILED
from bspec_opa.bundle.rego.type_check import ALL
from bspec_opa.foundation.errors import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path


def read_results(
    text: str, own: Mapping[str, bytes], tables: Collection[tuple[str, str]], *, traced: bool = False
) -> tuple[Outcome, ...]:
    """The author's tests from what ``opa test --format json`` prints, in the order of their places.

    Args:
        text: OPA's output.
        own: the author's files by the names that OPA was given.
        tables: file and name of the tests that have cases.
        traced: whether the output has traces, and so differences.

    Raises:
        EngineError: it is no result.
    """
    tracer = Tracer(own) if traced else None
    try:
        listed = cast("list[dict[str, Any]]", json.loads(text) or [])
        found = [_result(r, tracer, tables) for r in listed if r["location"]["file"] in own]
    except (ValueError, KeyError, TypeError) as e:
        raise OPA_FAILED.error(f"opa test printed something else than results ({type(e).__name__})") from e
    return tuple(sorted(found, key=lambda t: (t.at.file, t.at.line or 0, t.name)))


def _result(found: Mapping[str, Any], tracer: Tracer | None, tables: Collection[tuple[str, str]]) -> Outcome:
    place, name = found["location"], str(found["name"])
    result = dict(found)
    # A skipped test, todo_, proves nothing, either.
    status = ERROR if found.get("error") else FAILED if found.get("fail") or found.get("skip") else PASSED
    error = found.get("error")
    return Outcome(
        package=str(found["package"]),
        name=name,
        at=Location(str(place["file"]), place["row"], place["col"]),
        status=status,
        cases=count_cases(result) if (place["file"], name) in tables else 1,
        message=str(error.get("message", error)) if isinstance(error, dict) else str(error or ""),
        differences=tracer.differences(result) if tracer is not None and status == FAILED else (),
        duration_ns=int(found.get("duration", 0)),
    )


def placed(run: Run, policies: Path) -> Run:
    """A run with the places of the author's files instead of the copies that OPA read."""

    def file(name: str) -> str:
        return str(policies / name.removeprefix(f"{ALL}/")) if name.startswith(f"{ALL}/") else name

    def at(place: Location) -> Location:
        return Location(file(place.file), place.line, place.column)

    def problem(p: Problem) -> Problem:
        return Problem(p.reason, p.message, p.hint, at(p.location) if p.location else Location(str(policies)))

    def result(t: Outcome) -> Outcome:
        return replace(t, at=at(t.at), differences=tuple(replace(d, at=at(d.at)) for d in t.differences))

    return replace(
        run,
        tests=tuple(map(result, run.tests)),
        problems=tuple(map(problem, run.problems)),
        coverage=tuple(replace(c, file=file(c.file)) for c in run.coverage),
    )
