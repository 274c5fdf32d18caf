"""A run of tests for people and as ``bspec.policy-test/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.authoring.testing.model import ERROR
from bspec_opa.foundation.errors import ExitCode
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.folding import WIDTH, columns, fold
from bspec_opa.report.writing.printable import printable
from bspec_opa.report.writing.problems import problem_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.authoring.testing.model import Difference, FileCoverage, Outcome, Run
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.errors import Problem
    from bspec_opa.report.writing.style import Style

_WORDS = {
    ExitCode.OK: ("PASSED", "green"),
    ExitCode.DENIED: ("FAILED", "red"),
    ExitCode.INVALID: ("UNPROVEN", "red"),
}
MAX_SHOWN = 600
"""Characters of a value that text shows; JSON has all of it."""
MAX_LINES = 20
"""Lines without a test that text shows of one file."""


def run_text(run: Run, style: Style) -> str:
    """What failed and why first, the sum last."""
    lines: list[str] = []
    for test in run.failed:
        lines += [*_failed(test, style), ""]
    for problem in run.problems:
        lines += [*_problem(problem, style), ""]
    for file in run.coverage if run.uncovered else ():
        lines += [*_uncovered(file, style), ""] if file.missed else []
    return "\n".join([*lines, _sum(run, style)]) + "\n"


def _sum(run: Run, style: Style) -> str:
    word, colour = _WORDS[run.exit_code]
    passed = len(run.tests) - len(run.failed)
    parts = [f"{passed} of {count(len(run.tests), 'test')} passed", f"{count(len(run.rules), 'rule')} of yours"]
    if run.coverage:
        enough = "" if not run.uncovered else f", and {run.minimum}% is demanded"
        parts.append(f"{run.covered:.1f}% of their lines reached{enough}")
    elif run.pattern:
        parts.append(f"only tests that match {printable(run.pattern)!r}; nothing is said about the others")
    return "\n".join(fold(f"{style.mark(word, 'bold', colour)}  ", "; ".join(parts), 2))


def _failed(test: Outcome, style: Style) -> Iterator[str]:
    word = "ERROR" if test.status == ERROR else "FAIL"
    yield from _placed(f"{style.mark(word, 'red')}  {printable(test.name)}", printable(str(test.at)))
    if test.message:
        yield from fold("  ", printable(test.message), 2)
    for difference in test.differences:
        yield from _difference(difference, style)


def _difference(found: Difference, style: Style) -> Iterator[str]:
    if found.case:
        yield f"  case {printable(found.case)}"
    yield f"  {printable(str(found.at))}"
    yield f"  {found.at.line} | {printable(found.source)}"
    yield f"  {found.said}" + (f"; {count(found.common, 'item')} in both" if found.common else "")
    if found.missing:
        yield "    expected, and not found"
        yield from (style.mark(f"      - {_shown(item)}", "red") for item in found.missing)
    if found.unexpected:
        yield "    found, and not expected"
        yield from (style.mark(f"      + {_shown(item)}", "green") for item in found.unexpected)
    for name, value in found.values:
        yield f"    {printable(name)} = {_shown(value)}"


def _shown(value: str) -> str:
    text = printable(value)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def _problem(problem: Problem, style: Style) -> Iterator[str]:
    head = fold(f"{style.mark('UNPROVEN', 'red')}  ", printable(problem.message), 2)
    yield from head[:-1]
    yield from _placed(head[-1], printable(str(problem.location)) if problem.location else "")
    if problem.hint:
        yield from fold("  ", printable(problem.hint), 2)


def _placed(line: str, place: str) -> list[str]:
    """A line and the place that it is about, below it where both are too long for one."""
    whole = f"{line}   {place}".rstrip()
    return [whole] if columns(whole) <= WIDTH else [line, f"  {place}"]


def _uncovered(file: FileCoverage, style: Style) -> Iterator[str]:
    lines = count(len(file.missed), "line")
    yield from _placed(f"{style.mark('UNCOVERED', 'red')}  no test reaches {lines}", printable(file.file))
    width = len(str(file.missed[-1][0]))
    for number, text in file.missed[:MAX_LINES]:
        yield f"  {number:>{width}} | {printable(text.expandtabs(4))}"
    if len(file.missed) > MAX_LINES:
        yield f"  … and {len(file.missed) - MAX_LINES} more"


def run_json(run: Run) -> JsonObject:
    """The same for machines."""
    return {
        "schema": "bspec.policy-test/v1",
        "exit_code": int(run.exit_code),
        "rules": [*run.rules],
        "run": run.pattern,
        "passed": len(run.tests) - len(run.failed),
        "failed": len(run.failed),
        "tests": [_test_json(t) for t in run.tests],
        "problems": [problem_json(p) for p in run.problems],
        "minimum_coverage": run.minimum,
        "coverage": [
            {
                "file": f.file,
                "lines": f.lines,
                "missed": [{"line": n, "text": t} for n, t in f.missed],
            }
            for f in run.coverage
        ],
    }


def _test_json(test: Outcome) -> JsonObject:
    return {
        "package": test.package,
        "name": test.name,
        "file": test.at.file,
        "line": test.at.line or 0,
        "status": test.status,
        "cases": test.cases,
        "message": test.message,
        "differences": [_difference_json(d) for d in test.differences],
        "duration_ns": test.duration_ns,
    }


def _difference_json(found: Difference) -> JsonObject:
    return {
        "case": found.case,
        "file": found.at.file,
        "line": found.at.line or 0,
        "column": found.at.column or 0,
        "source": found.source,
        "message": found.said,
        "missing": [*found.missing],
        "unexpected": [*found.unexpected],
        "common": found.common,
        "values": [{"name": n, "value": v} for n, v in found.values],
    }
