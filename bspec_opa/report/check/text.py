"""A check for people: a verdict for each intent, what is wrong with its source line below, and a sum."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from bspec_opa.report.check.interface import DENIED, FAILED, PASSED, PENDING, verdict_of
from bspec_opa.report.decision.text import squeeze
from bspec_opa.report.writing.excerpt import excerpt_of
from bspec_opa.report.writing.folding import aside, fold, short
from bspec_opa.report.writing.printable import printable
from bspec_opa.workflow.facts.checked import EXCEPTED, PASS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.report.check.interface import Manner, Tally
    from bspec_opa.workflow.facts.checked import Checked, CheckedRule, Found

_WORDS = {PASSED: "green", DENIED: "red", PENDING: "yellow", FAILED: "red"}
_SEVERITIES = ("critical", "high", "medium", "low", "")
_WIDTH = 10
_INDENT = "  "


class TextReport:
    """``--format text``."""

    apart: ClassVar[bool] = True

    def __init__(self, manner: Manner) -> None:
        self._manner = manner

    def one(self, checked: Checked) -> str:
        """The verdict on a line, and below it what is wrong."""
        return "".join(f"{line}\n" for line in squeeze([*self._head(checked), *self._findings(checked)]))

    def end(self, tally: Tally) -> str:
        """The sum."""
        counts = tally.counts
        bad, doubtful = counts["failures"] + counts["errors"], counts["warnings"]
        colour = "red" if bad else "yellow" if doubtful else "green"
        return self._manner.style.mark(tally.line(), colour) + "\n"

    def _head(self, checked: Checked) -> list[str]:
        word = verdict_of(checked)
        numbers = (
            (sum(bool(r.denied) for r in checked.rules), "denied"),
            (sum(bool(r.warned) for r in checked.rules), "warned"),
            (len(checked.having(EXCEPTED)), "excepted"),
            (len(checked.having(PASS)), "passed"),
        )
        told = ", ".join(f"{n} {what}" for n, what in numbers if n)
        bundle = f"bundle {checked.bundle.name} {short(checked.bundle.digest)}" if checked.bundle else ""
        remarks = ", ".join(t for t in (bundle, told) if t)
        head = self._manner.style.mark(f"{word.upper():<7}", "bold", _WORDS[word])
        subject = f"  {checked.agent} {checked.version}" if checked.agent else ""
        line = f"{head}  {printable(checked.file)}{printable(subject)}"
        return aside(line, printable(remarks)) if remarks else [line]

    def _findings(self, checked: Checked) -> Iterator[str]:
        style = self._manner.style
        rules = sorted(checked.rules, key=lambda r: (_SEVERITIES.index(r.severity), r.origin, r.id))
        for problem in checked.problems:
            yield f"{_INDENT}{printable(f'{problem} [{problem.reason.code}]')}"
        for rule in rules:
            for found in rule.denied:
                yield from _block(style.mark(f"{rule.severity or 'denied':<{_WIDTH}}", "red"), rule, found)
        for rule in rules:
            for found in rule.warned:
                yield from _block(style.mark(f"{'warning':<{_WIDTH}}", "blue"), rule, found)
        for rule in rules:
            if rule.lifted:
                yield f"{_INDENT}{'excepted':<{_WIDTH}}{printable(rule.id)}"
        if self._manner.show_passed:
            for rule in checked.having(PASS):
                yield f"{_INDENT}{'passed':<{_WIDTH}}{printable(rule.id)}"


def _block(label: str, rule: CheckedRule, found: Found) -> Iterator[str]:
    indent = " " * (_WIDTH + len(_INDENT))
    yield from fold(f"{_INDENT}{label}{printable(rule.id)}  ", printable(found.message), len(indent))
    if found.spot.line:
        yield from excerpt_of(found.spot, printable(rule.remediation), indent)
    else:
        yield indent + printable(found.spot.file)
    yield ""
