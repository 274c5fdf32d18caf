"""What a run of tests found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import ExitCode, worst

if TYPE_CHECKING:
    from bspec_opa.foundation.errors import Location, Problem

PASSED, FAILED, ERROR = "passed", "failed", "error"
FULL = 100


@dataclass(frozen=True, slots=True)
class Difference:
    """Why a test, or one of its cases, failed.

    Attributes:
        case: the case's name; empty for a test without cases.
        at: the expression that didn't hold.
        source: its line.
        said: what is wrong with it, in a sentence.
        missing: of two sets, what was expected and not found; of two other values, the expected one.
        unexpected: what was found and not expected; of two other values, the found one.
        common: how many items both sets have.
        values: name and value of the variables in the expression, where no two values could be compared.
    """

    case: str
    at: Location
    source: str
    said: str
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    common: int = 0
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test.

    Attributes:
        package: its package, such as ``data.bspec.rules.global.tools.no_shell_test``.
        name: its rule.
        at: where it is written.
        status: ``passed``, ``failed`` or ``error``.
        cases: how many cases ran; 1 for a test without cases.
        message: what OPA says about an error.
        differences: one for each failing case.
        duration_ns: as OPA measured it, nanoseconds.
    """

    package: str
    name: str
    at: Location
    status: str
    cases: int = 1
    message: str = ""
    differences: tuple[Difference, ...] = ()
    duration_ns: int = 0


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """What of a file no test reached.

    Attributes:
        file: its path.
        lines: how many lines can be reached.
        missed: numbers and text of those that weren't.
    """

    file: str
    lines: int
    missed: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run.

    Attributes:
        tests: those of the author, sorted by place.
        problems: what makes the run worth nothing: a rule without tests, a test without cases, a failing builtin.
        coverage: the author's rules and libraries; empty if a test failed or only some ran.
        minimum: the share of lines that tests must reach, percent.
        rules: the ids of the author's rules.
        pattern: which tests were asked for; empty for all.
    """

    tests: tuple[Outcome, ...]
    problems: tuple[Problem, ...]
    coverage: tuple[FileCoverage, ...]
    minimum: int
    rules: tuple[str, ...]
    pattern: str = ""

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The tests that did not pass."""
        return tuple(t for t in self.tests if t.status != PASSED)

    @property
    def covered(self) -> float:
        """The share of the author's lines that tests reached, percent; 100 where nothing was measured."""
        lines = sum(f.lines for f in self.coverage)
        missed = sum(len(f.missed) for f in self.coverage)
        return FULL * (lines - missed) / lines if lines else float(FULL)

    @property
    def uncovered(self) -> bool:
        """Whether less is covered than must be."""
        return self.covered < self.minimum

    @property
    def exit_code(self) -> ExitCode:
        """0 all passed; 3 something makes the run worth nothing; 4 a test failed or too little is covered."""
        codes = [p.reason.exit_code for p in self.problems]
        return worst([*codes, *[ExitCode.DENIED] * bool(self.failed or self.uncovered)])
