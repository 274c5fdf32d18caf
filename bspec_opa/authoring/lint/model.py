"""What a lint rule is, and what it finds: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping

ERROR, WARNING = "error", "warning"
"""The severities."""
BUILD, OPA, REGO = "build", "opa", "rego"
"""What finds it: a check of the build, OPA itself, or a rule written in Rego."""


@dataclass(frozen=True, slots=True)
class LintRule:
    """One named rule.

    Attributes:
        id: ``category/name``; stable.
        title: what it demands, in a few words.
        summary: what it looks for, in a sentence.
        severity: ``error`` or ``warning``.
        origin: ``build``, ``opa`` or ``rego``.
        fixable: whether ``policy lint --fix`` can mend it.
        owned: whether it is ours; ``False`` for a team's own.
    """

    id: str
    title: str
    summary: str
    severity: str = ERROR
    origin: str = BUILD
    fixable: bool = False
    owned: bool = True

    @property
    def category(self) -> str:
        """The part before the slash."""
        return self.id.partition("/")[0]

    @property
    def page(self) -> str:
        """Its page below ``docs``; empty for a team's own rule."""
        return f"lint/{self.id.replace('/', '-')}.md" if self.owned else ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule found.

    Attributes:
        rule: which rule.
        message: what is wrong, one sentence.
        hint: what to do; may be empty.
        file: the path below the policies folder; empty for the folder itself.
        line: from 1; 0 if the file as a whole is meant.
        column: from 1, in characters; 0 if it is not known.
        code: the reason code that a build would refuse it with; ``lint.finding`` where a build would not.
    """

    rule: LintRule
    message: str
    hint: str
    file: str
    line: int
    column: int
    code: str

    def order(self) -> tuple[str, int, int, str, str]:
        """By place."""
        return self.file, self.line, self.column, self.rule.id, self.message


@dataclass(frozen=True, slots=True)
class LintResult:
    """What a lint of a policies folder found.

    Attributes:
        findings: sorted by place.
        files: what was read, by path below the policies folder.
        checked: how many files were looked at.
        rules: how many policy rules there are.
        tests: how many of their tests ran; 0 if they could not.
        applied: every lint rule that was applied.
        notes: what could not be looked at, and why.
    """

    findings: tuple[Finding, ...]
    files: Mapping[str, bytes]
    checked: int
    rules: int
    tests: int
    applied: tuple[LintRule, ...]
    notes: tuple[str, ...] = ()

    def having(self, severity: str) -> tuple[Finding, ...]:
        """The findings of a severity."""
        return tuple(f for f in self.findings if f.rule.severity == severity)

    def exit_code(self, *, fail_on_warn: bool = False) -> ExitCode:
        """3 with an error, 6 with nothing but warnings where they fail, 0 when it is clean."""
        if self.having(ERROR):
            return ExitCode.INVALID
        return ExitCode.WARNED if fail_on_warn and self.findings else ExitCode.OK
