"""A check as the logging commands of Azure Pipelines.

https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands; the agent looks for ``##vso[`` anywhere in
a line, so every line with a text of somebody else's is a command of ours from its first character on (attack A72).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from bspec_opa.report.check.annotations import NOTICE, annotations_of, one_line

if TYPE_CHECKING:
    from bspec_opa.report.check.annotations import Annotation
    from bspec_opa.report.check.interface import Manner, Tally
    from bspec_opa.workflow.facts.checked import Checked


class AzureReport:
    """``--format azuredevops``; it knows errors and warnings only."""

    apart: ClassVar[bool] = True

    def __init__(self, manner: Manner) -> None:
        self._manner = manner

    def one(self, checked: Checked) -> str:
        """A command for each finding."""
        return "".join(f"{self._command(a)}\n" for a in annotations_of(checked) if a.level != NOTICE)

    def end(self, tally: Tally) -> str:
        """The sum, which holds nothing but numbers."""
        return tally.line() + "\n"

    def _command(self, told: Annotation) -> str:
        numbers = f"linenumber={told.line};columnnumber={told.column};" if told.line else ""
        file, code = _property(self._manner.path(told.file)), _property(told.title)
        return f"##vso[task.logissue type={told.level};sourcepath={file};{numbers}code={code};]{_data(told.message)}"


def _data(text: str) -> str:
    return one_line(text, "%AZP25")


def _property(text: str) -> str:
    return _data(text).replace(";", "%3B").replace("]", "%5D")
