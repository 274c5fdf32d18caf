"""What a check says of places in files: what GitHub and Azure Pipelines show beside the lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.workflow.facts.checked import Checked

ERROR, WARNING, NOTICE = "error", "warning", "notice"
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Annotation:
    """One remark; a line or column of 0 is not known.

    Attributes:
        level: error, warning or notice.
        file: where, as the check names it.
        line: from 1.
        column: from 1.
        end_column: where it ends on that line.
        title: the rule, or the reason code.
        message: what is wrong and, on further lines, what to do.
    """

    level: str
    file: str
    line: int
    column: int
    end_column: int
    title: str
    message: str


def annotations_of(checked: Checked) -> Iterator[Annotation]:
    """Every problem and finding, in the order of the check; excepted ones are notices."""
    for problem in checked.problems:
        at = problem.location
        file, line, column = (at.file, at.line or 0, at.column or 0) if at else (checked.file, 0, 0)
        text = f"{problem.message}\n{problem.hint}".strip()
        yield Annotation(ERROR, file, line, column, 0, problem.reason.code, text)
    for rule in checked.rules:
        for level, findings in ((ERROR, rule.denied), (WARNING, rule.warned), (NOTICE, rule.excepted)):
            for found in findings:
                spot = found.spot
                text = f"{found.message}\n{rule.remediation}".strip()
                yield Annotation(level, spot.file, spot.line, spot.column, spot.end_column, rule.id, text)


def one_line(text: str, percent: str) -> str:
    """A text on one line, its line breaks and per cent signs escaped, without other control characters (A72)."""
    return "%0A".join(printable(line).replace("%", percent) for line in _LINE_BREAK.split(text))
