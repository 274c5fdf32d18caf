"""A lint in the formats of CI systems: those of ``check``, given the findings as rules that say something of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.authoring.lint.model import ERROR
from bspec_opa.report.check.formats import as_printed, report_in
from bspec_opa.report.lint.interface import LintTally, shown_file, spot_of_finding
from bspec_opa.workflow.facts.checked import Checked, CheckedRule, Found

if TYPE_CHECKING:
    from bspec_opa.authoring.lint.model import Finding, LintRule
    from bspec_opa.report.check.interface import Manner
    from bspec_opa.workflow.authors.linting import Linted

LINT = "lint"
"""Where these rules come from."""
SARIF, GITHUB = "sarif", "github"


def lint_for_machines(linted: Linted, form: str, manner: Manner) -> str:
    """SARIF, or GitHub's annotations."""
    report, tally = report_in(form, manner), LintTally(linted.result, manner)
    parts = [report.one(Checked(str(linted.folder), rules=tuple(map(_quiet, linted.result.applied))))]
    parts += [report.one(_checked(linted, f, form)) for f in linted.result.findings]
    return as_printed(form, "".join([*parts, report.end(tally)]))


def _quiet(rule: LintRule) -> CheckedRule:
    """A rule that was applied, whether or not it found anything."""
    page = f"See docs/{rule.page}." if rule.owned else ""
    return CheckedRule(rule.id, LINT, rule.id, rule.title, rule.summary, remediation=page)


def _checked(linted: Linted, finding: Finding, form: str) -> Checked:
    spot = spot_of_finding(linted.folder, finding, linted.result)
    # SARIF describes a rule once: what to do about this finding belongs into its message.
    message = f"{finding.message}; {finding.hint}" if form == SARIF and finding.hint else finding.message
    found = (Found(message, "", spot, lasting=finding.message),)
    rule, hint = finding.rule, finding.hint
    severe = rule.severity == ERROR
    told = CheckedRule(
        rule.id,
        LINT,
        rule.id,
        rule.title,
        rule.summary,
        remediation=hint,
        denied=found if severe else (),
        warned=() if severe else found,
    )
    return Checked(shown_file(linted.folder, finding), rules=(told,))
