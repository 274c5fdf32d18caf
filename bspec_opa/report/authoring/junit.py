"""A run of tests as JUnit XML: a suite for each package, a case for each test."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from bspec_opa.authoring.testing.model import ERROR, FAILED
from bspec_opa.report.writing.junit_text import clean, document, total

if TYPE_CHECKING:
    from bspec_opa.authoring.testing.model import Difference, Outcome, Run

NANOSECONDS = 1_000_000_000
PROVEN = "proven"
"""The suite of what a run must prove besides its tests."""


def run_junit(run: Run) -> str:
    """The document. What makes a run worth nothing, and lines without a test, are cases of a suite of their own."""
    root = ET.Element("testsuites", name="bspec-opa policy test")
    suites: dict[str, ET.Element] = {}
    for test in run.tests:
        if test.package not in suites:
            suites[test.package] = ET.SubElement(root, "testsuite", name=clean(test.package))
        _case(suites[test.package], test)
    _proven(root, run)
    for suite in root:
        total(suite, [suite])
    total(root, list(root))
    return document(root)


def _case(suite: ET.Element, test: Outcome) -> None:
    place = {"classname": clean(test.package), "name": clean(test.name), "file": clean(test.at.file)}
    seconds = f"{test.duration_ns / NANOSECONDS:.6f}"
    case = ET.SubElement(suite, "testcase", {**place, "line": str(test.at.line or 0), "time": seconds})
    if test.status == ERROR:
        ET.SubElement(case, "error", message=clean(test.message))
    elif test.status == FAILED:
        message = "; ".join(dict.fromkeys(d.said for d in test.differences)) or "failed"
        ET.SubElement(case, "failure", message=clean(message)).text = "\n".join(map(_told, test.differences))


def _told(found: Difference) -> str:
    """No line begins with somebody else's words: a CI system may read the log that shows them."""
    head = f"* {clean(found.case)}: {found.said}" if found.case else f"* {found.said}"
    lines = [head, f"  at {clean(str(found.at))}", f"  {clean(found.source)}"]
    lines += [f"  - {clean(item)}" for item in found.missing]
    lines += [f"  + {clean(item)}" for item in found.unexpected]
    return "\n".join(lines)


def _proven(root: ET.Element, run: Run) -> None:
    suite = ET.SubElement(root, "testsuite", name=PROVEN)
    for problem in run.problems:
        case = ET.SubElement(suite, "testcase", classname=PROVEN, name=clean(problem.reason.code))
        ET.SubElement(case, "error", message=clean(problem.message), type=problem.reason.code).text = clean(
            str(problem)
        )
    for file in run.coverage:
        case = ET.SubElement(suite, "testcase", classname=PROVEN, name=clean(f"coverage of {file.file}"))
        if run.uncovered and file.missed:
            rows = ", ".join(str(n) for n, _ in file.missed)
            ET.SubElement(case, "failure", message=f"no test reaches line {rows}")
