"""An evaluation for people: the verdict first, the reasons second, what to do next last."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import ExitCode
from bspec_opa.report.decision.adopting import quorum_rows
from bspec_opa.report.decision.rolling import place_lines, subject_of
from bspec_opa.report.decision.standing import remark_lines, waivable_lines, waived_lines
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.printable import printable
from bspec_opa.report.writing.style import PLAIN, Style

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bspec_opa.gate.decision import Finding, RuleOutcome
    from bspec_opa.workflow.facts.evaluation import Evaluation

VERDICTS = {
    ExitCode.OK: ("ALLOWED", "green"),
    ExitCode.DENIED: ("DENIED", "red"),
    ExitCode.PENDING: ("PENDING", "yellow"),
}
_INDENT = "  "
_NUMBER = re.compile(r"[0-9]+")
_LABEL_WIDTH = 10
_SEVERITIES = ("critical", "high", "medium", "low")


def render_evaluation(
    evaluation: Evaluation, next_steps: Sequence[str], *, style: Style = PLAIN, show_passed: bool = False
) -> str:
    """The whole text of an evaluation, ending with a line break."""
    lines = [headline(evaluation, style), _INDENT + counts(evaluation, show_passed=show_passed), ""]
    lines += list(_findings(evaluation, style))
    if show_passed:
        lines += [f"{_INDENT}{'passed':<{_LABEL_WIDTH}}{r.id}" for r in evaluation.decision.passed]
    lines += _remarks(evaluation)
    lines += next_lines(next_steps)
    return "\n".join(squeeze(lines)) + "\n"


def headline(evaluation: Evaluation, style: Style) -> str:
    """The verdict, on one line."""
    word, colour = VERDICTS[evaluation.exit_code]
    subject = subject_of(evaluation)
    return f"{style.mark(word, 'bold', colour)}  {printable(subject)}   ({printable(circumstances(evaluation))})"


def circumstances(evaluation: Evaluation) -> str:
    """Which bundle and engines decided, and with what authority."""
    engines = " + ".join(e.kind for e in evaluation.engines)
    engines += " agree" if len(evaluation.engines) > 1 else ""
    bundle = f"bundle {evaluation.bundle.name} {evaluation.bundle.digest[:19]}…"
    return ", ".join(["advisory"] * evaluation.advisory + [bundle, engines])


def counts(evaluation: Evaluation, *, show_passed: bool = True) -> str:
    """How many rules said what; the floor's refusals are counted apart."""
    decision = evaluation.decision
    parts = [
        (len(decision.denied), "denied"),
        (len(decision.pending), "pending"),
        (len(decision.warned), "warned"),
        *([(len(decision.waived), "waived")] if decision.waived else []),
        (len(decision.passed), "passed (--show-passed names them)" if not show_passed else "passed"),
    ]
    text = f"{count(len(decision.rules), 'rule')}: " + ", ".join(f"{n} {word}" for n, word in parts)
    # Where Rego has denied already, the floor has nothing to add.
    refused = decision.refusals and not any(r.denied for r in decision.rules)
    return text + (f"; refused by the floor: {len(decision.refusals)}" if refused else "")


def _findings(evaluation: Evaluation, style: Style) -> Iterable[str]:
    rules = _by_severity(evaluation)
    yield from denials(evaluation, style)
    yield from _pending(evaluation, rules, style.mark(f"{'pending':<{_LABEL_WIDTH}}", "yellow"))
    yield ""
    for rule in rules:
        yield from _blocks(evaluation, rule, rule.warned, style.mark(f"{'warning':<{_LABEL_WIDTH}}", "blue"))
    label = style.mark(f"{'waived':<{_LABEL_WIDTH}}", "dim")
    yield from waived_lines(evaluation, _INDENT + label, " " * (_LABEL_WIDTH + 2))
    yield ""


def _by_severity(evaluation: Evaluation) -> list[RuleOutcome]:
    return sorted(evaluation.decision.rules, key=lambda r: (_SEVERITIES.index(r.severity), r.id))


def denials(evaluation: Evaluation, style: Style) -> Iterable[str]:
    """What denies and nothing that is still to come explains, with source lines and remedies."""
    rules = _by_severity(evaluation)
    for rule in rules:
        yield from _blocks(evaluation, rule, _hard(rule), style.mark(f"{rule.severity:<{_LABEL_WIDTH}}", "red"))
    # Where Rego has denied already, the floor has nothing to add that a finding does not say.
    if evaluation.decision.refusals and not any(r.denied for r in rules):
        for refusal in evaluation.decision.refusals:
            label = style.mark(f"{'floor':<{_LABEL_WIDTH}}", "red")
            yield f"{_INDENT}{label}{refusal.reason.code}  {printable(refusal.message)}"
        yield ""


def _hard(rule: RuleOutcome) -> tuple[Finding, ...]:
    return tuple(f for f in rule.denied if f not in rule.pending)


def _pending(evaluation: Evaluation, rules: Sequence[RuleOutcome], label: str) -> Iterable[str]:
    rows = [(rule.id, finding.message) for rule in rules for finding in _distinct(rule.pending)]
    rows += quorum_rows(evaluation)
    width = max((len(rule) for rule, _ in rows), default=0)
    for rule, message in rows:
        yield f"{_INDENT}{label}{rule:<{width}}  {printable(message)}"


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Of findings that say the same with other numbers the greatest, and every need once, in its fullest words."""
    most: dict[str, Finding] = {}
    for finding in findings:
        said = _NUMBER.sub("0", finding.message)
        if said not in most or _missing(finding) > _missing(most[said]):
            most[said] = finding
    fullest: dict[object, Finding] = {}
    for finding in most.values():
        # Two places that need the same are two things to do.
        need = (finding.needs or finding.message, finding.path)
        if need not in fullest or len(finding.message) > len(fullest[need].message):
            fullest[need] = finding
    return list(fullest.values())


def _missing(finding: Finding) -> int:
    return finding.needs.count if finding.needs else 0


def _blocks(evaluation: Evaluation, rule: RuleOutcome, findings: Sequence[Finding], label: str) -> Iterable[str]:
    remedy = next((r.remediation for r in evaluation.index.rules if r.id == rule.id), "")
    for finding in findings:
        yield f"{_INDENT}{label}{rule.id}  {printable(finding.message)}"
        yield from place_lines(evaluation, finding.path, printable(remedy), " " * (_LABEL_WIDTH + 2))
        yield ""


def _remarks(evaluation: Evaluation) -> list[str]:
    """What does not count, what is not recorded yet and what was not checked."""
    lines = [f"{_INDENT}ignored   {printable(r.file)}: {printable(r.message)} ({r.code})" for r in evaluation.rejected]
    lines += remark_lines(evaluation.waivers, _INDENT)
    lines += waivable_lines(evaluation, _INDENT)
    if evaluation.unsequenced:
        number = len(evaluation.unsequenced)
        records = "1 verified record is" if number == 1 else f"{number} verified records are"
        lines.append(f"{_INDENT}inbox     {records} not in the ledger yet; promote sequences the inbox first")
    if evaluation.advisory:
        lines.append(f"{_INDENT}note      advice only: without a trust pin nobody's records are believed by promote")
    lines += [f"{_INDENT}note      {printable(n)}" for n in evaluation.notes]
    return ["", *lines] if lines else []


def next_lines(commands: Sequence[str]) -> list[str]:
    """The commands that come next, the first on the line of the word."""
    return (
        ["", *(f"{'next' if i == 0 else '    '}  {printable(c)}" for i, c in enumerate(commands))] if commands else []
    )


def squeeze(lines: Iterable[str]) -> list[str]:
    """No two blank lines in a row, none at the end."""
    result: list[str] = []
    for line in lines:
        if line or (result and result[-1]):
            result.append(line)
    while result and not result[-1]:
        result.pop()
    return result
