"""A check as TAP 13 (https://testanything.org/tap-version-13-specification.html): a test point for each rule.

Nothing here needs version 14, and readers that know only 13, such as Perl's ``prove``, refuse what says 14.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from bspec_opa.report.writing.printable import printable
from bspec_opa.workflow.facts.checked import DENY, EXCEPTED, WARN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.report.check.interface import Manner, Tally
    from bspec_opa.workflow.facts.checked import Checked, CheckedRule, Found

VERSION = "TAP version 13\n"


class TapReport:
    """``--format tap``; the plan comes last, so that points can be written as they are found."""

    apart: ClassVar[bool] = False

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._number = 0

    def one(self, checked: Checked) -> str:
        """The test points of one intent."""
        head = "" if self._number else VERSION
        points = [self._problems(checked)] if checked.problems else []
        points += [self._rule(checked, rule) for rule in checked.rules]
        return head + "".join(points)

    def end(self, tally: Tally) -> str:
        """The plan, and the sum as a comment."""
        return ("" if self._number else VERSION) + f"1..{self._number}\n# {tally.line()}\n"

    def _problems(self, checked: Checked) -> str:
        found: list[dict[str, object]] = [
            {
                "message": p.message,
                "code": p.reason.code,
                "line": (p.location.line or 0) if p.location else 0,
                "column": (p.location.column or 0) if p.location else 0,
            }
            for p in checked.problems
        ]
        return self._point(ok=False, name=f"{checked.file} intent") + _diagnostics("error", "", found)

    def _rule(self, checked: Checked, rule: CheckedRule) -> str:
        name = f"{checked.file} {rule.id}"
        if rule.status == EXCEPTED:
            return self._point(ok=True, name=name, directive=" # SKIP excepted by the policy")
        if rule.status == DENY:
            severity = rule.severity or "denied"
            return self._point(ok=False, name=name) + _diagnostics(severity, rule.remediation, _findings(rule.denied))
        ok = rule.status != WARN or not self._manner.fail_on_warn
        told = _diagnostics("warning", rule.remediation, _findings(rule.warned)) if rule.status == WARN else ""
        return self._point(ok=ok, name=name) + told

    def _point(self, *, ok: bool, name: str, directive: str = "") -> str:
        self._number += 1
        # Some readers know no escapes, and take whatever follows a "#" for a directive (attack A72).
        escaped = printable(name).replace("\\", "\\\\").replace("#", "\\\\x23")
        return f"{'ok' if ok else 'not ok'} {self._number} - {escaped}{directive}\n"


def _findings(findings: Iterable[Found]) -> list[dict[str, object]]:
    return [{"message": f.message, "path": f.path, "line": f.spot.line, "column": f.spot.column} for f in findings]


def _diagnostics(severity: str, remediation: str, found: list[dict[str, object]]) -> str:
    """A YAML block whose values are JSON, which is YAML, too; in ASCII, so that nothing in it ends the block."""
    members = {"message": found[0]["message"], "severity": severity, "remediation": remediation, "findings": found}
    lines = [f"{name}: {json.dumps(_well_formed(value))}" for name, value in members.items() if value]
    return "".join(f"  {line}\n" for line in ("---", *lines, "..."))


def _well_formed(value: object) -> object:
    """The value without surrogates, which no YAML reader takes."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {k: _well_formed(v) for k, v in value.items()}
    return [_well_formed(v) for v in value] if isinstance(value, list) else value
