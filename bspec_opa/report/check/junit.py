"""A check as JUnit XML: a suite for each intent, a case for each rule.

Valid by the schema of Jenkins' xUnit plugin, which refuses whole reports: so a suite has a file and a case has none.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, ClassVar

from bspec_opa.foundation.errors import Location
from bspec_opa.report.writing.junit_text import clean, document, total
from bspec_opa.workflow.facts.checked import DENY, EXCEPTED, WARN

if TYPE_CHECKING:
    from bspec_opa.report.check.interface import Manner, Tally
    from bspec_opa.workflow.facts.checked import Checked, CheckedRule, Found

_LOADING = "intent"
"""The case that stands for what kept an intent from being checked."""


class JunitReport:
    """``--format junit``."""

    apart: ClassVar[bool] = False

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._root = ET.Element("testsuites", name="bspec-opa check")

    def one(self, checked: Checked) -> str:
        """Nothing yet."""
        file = clean(self._manner.path(checked.file))
        suite = ET.SubElement(self._root, "testsuite", name=file, file=file)
        if checked.problems:
            case = ET.SubElement(suite, "testcase", classname=file, name=_LOADING)
            for problem in checked.problems:
                ET.SubElement(case, "error", message=clean(problem.message), type=problem.reason.code).text = clean(
                    str(problem)
                )
        for rule in checked.rules:
            self._add(suite, file, rule)
        total(suite, [suite])
        return ""

    def end(self, tally: Tally) -> str:  # noqa: ARG002 - the suites have the numbers
        """The document, in ASCII."""
        total(self._root, list(self._root))
        return document(self._root)

    def _add(self, suite: ET.Element, file: str, rule: CheckedRule) -> None:
        case = ET.SubElement(suite, "testcase", classname=file, name=clean(rule.id))
        findings = (*rule.denied, *rule.warned)
        text = "\n".join(_told(rule, f) for f in findings)
        if rule.status == DENY or (rule.status == WARN and self._manner.fail_on_warn):
            kind = rule.severity or "denied" if rule.status == DENY else "warning"
            message = clean("; ".join(f.message for f in findings))
            ET.SubElement(case, "failure", message=message, type=kind).text = text
        elif rule.status == WARN:
            ET.SubElement(case, "system-out").text = text
        elif rule.status == EXCEPTED:
            ET.SubElement(case, "skipped", message="excepted by the policy")


def _told(rule: CheckedRule, found: Found) -> str:
    """No line begins with somebody else's words: a log may show the file, and a CI system read the log."""
    place = str(Location(found.spot.file, found.spot.line or None, found.spot.column or None))
    lines = [f"* {clean(found.message)}", f"  at {clean(place)}"]
    return "\n".join([*lines, f"  {clean(rule.remediation)}"] if rule.remediation else lines)
