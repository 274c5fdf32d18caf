"""A check as the logging commands of Azure Pipelines.

https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands; the agent looks for ``##vso[`` anywhere in
a line, so every line with a text of somebody else's is a command of ours from its first character on (attack A72).
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


class AzureReport:
    """``--format azuredevops``."""

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
            yield self._issue("error", file, (line, column), problem.reason.code, f"{problem.message}\n{problem.hint}")
        for rule in checked.rules:
            for level, findings in (("error", rule.denied), ("warning", rule.warned)):
                for found in findings:
                    yield self._finding(level, rule, found)

    def _finding(self, level: str, rule: CheckedRule, found: Found) -> str:
        place = (found.spot.line, found.spot.column)
        return self._issue(level, found.spot.file, place, rule.id, f"{found.message}\n{rule.remediation}")

    def _issue(self, level: str, file: str, place: tuple[int, int], code: str, message: str) -> str:
        line, column = place
        numbers = f"linenumber={line};columnnumber={column};" if line else ""
        properties = f"type={level};sourcepath={_property(self._manner.path(file))};{numbers}code={_property(code)};"
        return f"##vso[task.logissue {properties}]{_data(message.strip())}"


def _data(text: str) -> str:
    return "%0A".join(printable(line).replace("%", "%AZP25") for line in _LINE_BREAK.split(text))


def _property(text: str) -> str:
    return _data(text).replace(";", "%3B").replace("]", "%5D")
