"""The one error family: what is wrong, where, what to do, and which exit code it earns.

Every failure that a person can cause has a :class:`Reason` with a stable code. A room declares its reasons in
its own ``reasons.py`` and raises ``REASON.error("what is wrong", hint="what to do", at=location)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    """The exit codes of every verb; a code never changes its meaning with a flag."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    INVALID = 3
    DENIED = 4
    PENDING = 5
    WARNED = 6
    TRUST = 7
    ENGINE = 8
    STORE = 9


# When several codes hold at once, the first of these is the process's.
PRECEDENCE = (
    ExitCode.INTERNAL,
    ExitCode.USAGE,
    ExitCode.INVALID,
    ExitCode.TRUST,
    ExitCode.ENGINE,
    ExitCode.STORE,
    ExitCode.DENIED,
    ExitCode.PENDING,
    ExitCode.WARNED,
    ExitCode.OK,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The code that a process with all these outcomes exits with."""
    return min(codes, key=PRECEDENCE.index, default=ExitCode.OK)


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file; ``line`` and ``column`` count from 1."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        parts = [self.file, *(str(n) for n in (self.line, self.column) if n is not None)]
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, for people and for machines."""

    reason: Reason
    message: str
    hint: str = ""
    location: Location | None = None
    rule: str = ""
    """The lint rule that found it, such as ``rule/not-a-set``: finer than the reason. Empty elsewhere."""

    def __str__(self) -> str:
        place = f"{self.location}: " if self.location else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{place}{self.message}{hint}"


@dataclass(frozen=True, slots=True)
class Reason:
    """A stable reason code, such as ``document.duplicate-key``.

    Attributes:
        code: stable; ``room.what-is-wrong``.
        exit_code: what the process exits with.
        summary: one line for ``docs/errors.md``.
        remedy: what a person does about it, for ``docs/errors.md``.
    """

    code: str
    exit_code: ExitCode
    summary: str
    remedy: str

    def problem(self, message: str, *, hint: str = "", at: Location | None = None, rule: str = "") -> Problem:
        """A problem with this reason; ``rule`` names the lint rule that found it."""
        return Problem(self, message, hint, at, rule)

    def error(self, message: str, *, hint: str = "", at: Location | None = None) -> BspecError:
        """An exception with this one problem, of the class that belongs to the exit code."""
        return error_of([self.problem(message, hint=hint, at=at)])


class BspecError(Exception):
    """Root of all errors that have a reason. Carries one or more problems, in the order of the source."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        if not self.problems:
            raise ValueError("an error needs at least one problem")
        super().__init__("\n".join(str(p) for p in self.problems))

    def __reduce__(self) -> tuple[type[BspecError], tuple[tuple[Problem, ...]]]:
        """From its problems: an exception's own way would take its text for them, after another process sent it."""
        return type(self), (self.problems,)

    @property
    def exit_code(self) -> ExitCode:
        """The worst exit code of the problems."""
        return worst(p.reason.exit_code for p in self.problems)

    @property
    def code(self) -> str:
        """The reason code of the first problem."""
        return self.problems[0].reason.code


class UsageError(BspecError):
    """The command line or the configuration is wrong (exit 2)."""


class InvalidInputError(BspecError):
    """An intent, catalog, evidence or other document is wrong (exit 3)."""


class TrustError(BspecError):
    """A signature, revocation, stale file or ledger mismatch (exit 7)."""


class EngineError(BspecError):
    """The policy engine can't be reached or its answer can't be used (exit 8)."""


class StoreError(BspecError):
    """The ledger or a file is busy, lost a race or can't be written (exit 9)."""


_CLASSES: dict[ExitCode, type[BspecError]] = {
    ExitCode.USAGE: UsageError,
    ExitCode.INVALID: InvalidInputError,
    ExitCode.TRUST: TrustError,
    ExitCode.ENGINE: EngineError,
    ExitCode.STORE: StoreError,
}


def error_of(problems: Iterable[Problem]) -> BspecError:
    """The exception for these problems; its class follows from the worst exit code.

    Raises:
        ValueError: there is no problem.
    """
    found = tuple(problems)
    code = worst(p.reason.exit_code for p in found)
    return _CLASSES.get(code, BspecError)(found)
