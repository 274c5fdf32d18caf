"""What every format of ``check`` is given, and what it gives."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from bspec_opa.foundation.errors import ExitCode, worst
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.style import PLAIN, Style
from bspec_opa.workflow.facts.checked import EXCEPTED, PASS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.workflow.facts.checked import Checked

PASSED, DENIED, PENDING, FAILED = "passed", "denied", "pending", "failed"
"""The verdicts."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How it is shown.

    Attributes:
        base: the directory that paths in reports for machines are relative to.
        fail_on_warn: whether a warning fails.
        show_passed: whether people are told the names of what passed.
        style: colours.
    """

    base: PurePath
    fail_on_warn: bool = False
    show_passed: bool = False
    style: Style = PLAIN

    def path(self, file: str) -> str:
        """A file as the tools around a repository know it: relative to where we are, if it lies there."""
        path = PurePath(file)
        relative = path.relative_to(self.base) if path.is_absolute() and path.is_relative_to(self.base) else path
        return relative.as_posix()


class Report(Protocol):
    """One format.

    Attributes:
        apart: whether what it says of an intent depends on no other one, so that any process may say it.
    """

    apart: ClassVar[bool]

    def one(self, checked: Checked) -> str:
        """What can be said of an intent before the next one is checked; may be empty."""
        ...

    def end(self, tally: Tally) -> str:
        """What is said at the end."""
        ...


class Counted(NamedTuple):
    """What one intent adds to the sum, and the exit code as if it were the only one."""

    counts: Mapping[str, int]
    code: ExitCode


def counted(checked: Checked, manner: Manner) -> Counted:
    """What an intent adds to the sum."""
    counts = {
        "files": 1,
        "passed": len(checked.having(PASS)),
        "warnings": sum(len(r.warned) for r in checked.rules),
        "failures": sum(len(r.denied) for r in checked.rules),
        "exceptions": len(checked.having(EXCEPTED)),
        "errors": int(bool(checked.problems)),
    }
    return Counted(counts, checked.exit_code(fail_on_warn=manner.fail_on_warn))


class Tally:
    """Counts as conftest does: a test is a rule that found nothing, or one thing that a rule found."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._counts: Counter[str] = Counter()
        self._codes: set[ExitCode] = set()

    def add(self, checked: Checked) -> None:
        """One more intent."""
        self.join(counted(checked, self._manner))

    def join(self, more: Counted) -> None:
        """What was counted elsewhere."""
        self._counts.update(more.counts)
        self._codes.add(more.code)

    @property
    def exit_code(self) -> ExitCode:
        """The worst of all; without any, nothing was right."""
        return worst(self._codes) if self._codes else ExitCode.INTERNAL

    @property
    def counts(self) -> dict[str, int]:
        """Files, tests, passed, warnings, failures, exceptions, and files with errors."""
        names = ("passed", "warnings", "failures", "exceptions")
        tests = sum(self._counts[n] for n in names)
        return {"files": self._counts["files"], "tests": tests, **{n: self._counts[n] for n in (*names, "errors")}}

    def line(self) -> str:
        """The last line that people see, as conftest's; what could not be checked is never left out."""
        counts = self.counts
        parts = [
            count(counts["tests"], "test"),
            f"{counts['passed']} passed",
            count(counts["warnings"], "warning"),
            count(counts["failures"], "failure"),
            count(counts["exceptions"], "exception"),
        ]
        if counts["errors"]:
            parts.append(f"{count(counts['errors'], 'file')} not checked")
        return f"{', '.join(parts)} in {count(counts['files'], 'file')}"


def verdict_of(checked: Checked) -> str:
    """passed, denied, pending or failed."""
    if checked.problems or not checked.rules:
        return FAILED
    return {ExitCode.DENIED: DENIED, ExitCode.PENDING: PENDING}.get(checked.exit_code(), PASSED)
