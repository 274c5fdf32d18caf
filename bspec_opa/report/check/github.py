"""A check as GitHub's workflow commands, which become annotations in a pull request.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands; what ends a command or a
property is escaped as the actions toolkit does it (attack A72).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bspec_opa.report.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.report.check.interface import Manner, Tally
    from bspec_opa.workflow.facts.checked import Checked, CheckedRule, Found

_LINE_BREAK = re.compile(r"\r\n|\r|\n")


class GithubReport:
    """``--format github``."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner

    def one(self, checked: Checked) -> str:
        """A command for each finding."""
        return "".join(f"{line}\n" for line in self._commands(checked))

    def end(self, tally: Tally) -> str:
        """The sum, which holds nothing but numbers."""
        return tally.line() + "\n"

    def _commands(self, checked: Checked) -> Iterator[str]:
        for problem in checked.problems:
            at = problem.location
            file = at.file if at else checked.file
            line, column = ((at.line or 0), (at.column or 0)) if at else (0, 0)
            text = f"{problem.message}\n{problem.hint}".strip()
            yield self._command("error", file, {"line": line, "col": column}, problem.reason.code, text)
        for rule in checked.rules:
            for level, findings in (("error", rule.denied), ("warning", rule.warned), ("notice", rule.excepted)):
                for found in findings:
                    yield self._finding(level, rule, found)

    def _finding(self, level: str, rule: CheckedRule, found: Found) -> str:
        spot = found.spot
        numbers = {"line": spot.line, "col": spot.column, "endLine": spot.line, "endColumn": spot.end_column}
        text = f"{found.message}\n{rule.remediation}".strip()
        return self._command(level, spot.file, numbers, rule.id, text)

    def _command(self, level: str, file: str, numbers: dict[str, int], title: str, message: str) -> str:
        properties = [f"file={_property(self._manner.path(file))}"]
        properties += [f"{name}={number}" for name, number in numbers.items() if number]
        properties.append(f"title={_property(title)}")
        return f"::{level} {','.join(properties)}::{_data(message)}"


def _data(text: str) -> str:
    """Line breaks as GitHub wants them, and no other control character."""
    return "%0A".join(printable(line).replace("%", "%25") for line in _LINE_BREAK.split(text))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
