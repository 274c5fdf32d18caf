"""What every format of a lint is given: each finding with its place in the source, and the sum."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.authoring.lint.model import ERROR, WARNING
from bspec_opa.report.check.interface import Tally
from bspec_opa.report.writing.counting import count
from bspec_opa.workflow.facts.spot import WIDTH, Spot

if TYPE_CHECKING:
    from bspec_opa.authoring.lint.model import Finding, LintResult
    from bspec_opa.foundation.errors import ExitCode
    from bspec_opa.report.check.interface import Manner

_MEANT = re.compile(r'"[^"]*"|[\w.\[\]]+|\S')
_BEFORE = 40


class LintTally(Tally):
    """The sum of a lint, in the words of a lint."""

    def __init__(self, result: LintResult, manner: Manner) -> None:
        super().__init__(manner)
        self._result = result
        self._fail_on_warn = manner.fail_on_warn

    @property
    def exit_code(self) -> ExitCode:
        """The lint's."""
        return self._result.exit_code(fail_on_warn=self._fail_on_warn)

    @property
    def counts(self) -> dict[str, int]:
        """Files, policy rules, tests, lint rules, errors and warnings."""
        result = self._result
        return {
            "files": result.checked,
            "rules": result.rules,
            "tests": result.tests,
            "lint_rules": len(result.applied),
            "errors": len(result.having(ERROR)),
            "warnings": len(result.having(WARNING)),
        }

    def line(self) -> str:
        """The last line that people see."""
        counts = self.counts
        found = f"{count(counts['errors'], 'error')}, {count(counts['warnings'], 'warning')}"
        parts = [
            count(counts["files"], "file"),
            count(counts["rules"], "rule"),
            count(counts["tests"], "test"),
            count(counts["lint_rules"], "lint rule"),
        ]
        clean = not counts["errors"] + counts["warnings"]
        return f"{'clean' if clean else found} in {', '.join(parts)}"


def shown_file(folder: Path, finding: Finding) -> str:
    """The finding's file as somebody at the command line names it."""
    return finding.file if Path(finding.file).is_absolute() else (folder / finding.file).as_posix()


def spot_of_finding(folder: Path, finding: Finding, result: LintResult) -> Spot:
    """The place of a finding with the characters around it."""
    file = shown_file(folder, finding)
    lines = result.files.get(finding.file, b"").decode("utf-8", "replace").split("\n")
    if not 0 < finding.line <= len(lines):
        return Spot(file)
    source, column = lines[finding.line - 1], finding.column or 1
    meant = _MEANT.match(source, column - 1)
    start = column - 1 - _BEFORE if len(source) > WIDTH and column > WIDTH // 2 else 0
    return Spot(file, finding.line, column, len(meant[0]) if meant else 1, start, source[start : start + WIDTH])
