"""A check as GitHub's workflow commands, which become annotations in a pull request.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands; what ends a command or a
property is escaped as the actions toolkit does it (attack A72).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from bspec_opa.report.check.annotations import annotations_of, one_line

if TYPE_CHECKING:
    from bspec_opa.report.check.annotations import Annotation
    from bspec_opa.report.check.interface import Manner, Tally
    from bspec_opa.workflow.facts.checked import Checked


class GithubReport:
    """``--format github``."""

    apart: ClassVar[bool] = True

    def __init__(self, manner: Manner) -> None:
        self._manner = manner

    def one(self, checked: Checked) -> str:
        """A command for each finding."""
        return "".join(f"{self._command(a)}\n" for a in annotations_of(checked))

    def end(self, tally: Tally) -> str:
        """The sum, which holds nothing but numbers."""
        return tally.line() + "\n"

    def _command(self, told: Annotation) -> str:
        numbers = {"line": told.line, "col": told.column}
        if told.end_column:
            numbers |= {"endLine": told.line, "endColumn": told.end_column}
        properties = [f"file={_property(self._manner.path(told.file))}"]
        properties += [f"{name}={number}" for name, number in numbers.items() if number]
        properties.append(f"title={_property(told.title)}")
        return f"::{told.level} {','.join(properties)}::{_data(told.message)}"


def _data(text: str) -> str:
    return one_line(text, "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
