"""The result of ``validate``, as text and as ``bspec.validation/v1``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import ExitCode, worst
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.printable import printable
from bspec_opa.report.writing.problems import problem_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.errors import Problem
    from bspec_opa.report.writing.style import Style


@dataclass(frozen=True, slots=True)
class FileResult:
    """One file: whose intent it is and its digest if it is valid, else its problems."""

    file: str
    subject: str
    digest: str
    problems: tuple[Problem, ...]


def validation_line(result: FileResult, style: Style) -> str:
    """The line of a valid file; a broken one's problems are told elsewhere."""
    if result.problems:
        return ""
    return f"{style.mark('valid', 'green')}  {printable(result.file)}  {result.subject}  {result.digest}\n"


def validation_summary(results: Sequence[FileResult], style: Style) -> str:
    """A last line where something is wrong or there are many."""
    broken = [r for r in results if r.problems]
    if broken:
        problems = sum(len(r.problems) for r in broken)
        where = f"{len(broken)} of {count(len(results), 'file')}"
        return f"{style.mark('invalid', 'red')}  {count(problems, 'error')} in {where}\n"
    return f"{count(len(results), 'file')}, all valid\n" if len(results) > 1 else ""


def exit_code_of(results: Sequence[FileResult]) -> ExitCode:
    """The worst of all problems; nothing checked is not nothing wrong."""
    return worst(p.reason.exit_code for r in results for p in r.problems) if results else ExitCode.INTERNAL


def validation_json(results: Sequence[FileResult]) -> JsonObject:
    """Every file in the order it was named."""
    return {
        "schema": "bspec.validation/v1",
        "exit_code": int(exit_code_of(results)),
        "files": [
            {
                "file": r.file,
                "valid": not r.problems,
                "intent": r.subject,
                "digest": r.digest,
                "problems": problem_list(r.problems),
            }
            for r in results
        ],
    }
