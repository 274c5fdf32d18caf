"""Lints a policies folder: every check, of every file, whatever is wrong with the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.authoring.lint.behaviour import failing_problems, missing_problems, tested
from bspec_opa.authoring.lint.catalog import FINDING, SHIPPED, rule_id_of
from bspec_opa.authoring.lint.model import ERROR, REGO, Finding, LintResult
from bspec_opa.authoring.lint.opa_checks import format_problems, opa_problems, prepare
from bspec_opa.authoring.lint.own_checks import idle_problems, own_checks
from bspec_opa.authoring.lint.reading import parse
from bspec_opa.authoring.lint.rego_answers import fixtures, inspected, rego_findings
from bspec_opa.authoring.lint.rephrasing import rephrased
from bspec_opa.bundle.layout import GENERATED
from bspec_opa.bundle.rego.sources import is_rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from bspec_opa.authoring.lint.behaviour import Tested
    from bspec_opa.authoring.lint.own_checks import Own
    from bspec_opa.authoring.lint.reading import Files, Reading
    from bspec_opa.authoring.lint.rego_rules import RegoRule
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.errors import Problem

_BUILT = frozenset({"data/idle-rule", "format/opa-fmt", "test/failing"})
"""What a build lets pass."""
NOTHING = "nothing else was looked at, because there is no rule"
UNTESTED = "the tests were not run, because the policies do not compile"


def lint(
    files: Files,
    rego_rules: Sequence[RegoRule],
    work: Path,
    opa: Opa,
    *,
    now: int,
    data: tuple[bytes, str] | None = None,
) -> LintResult:
    """Everything that is wrong with a policies folder.

    Args:
        files: what was read.
        rego_rules: lint rules in Rego; ``work`` holds them.
        work: a private folder, for this one lint.
        opa: the binary, of the one version.
        now: Unix seconds.
        data: an organisation's data and what it is called; the folder's own if None.

    Raises:
        InvalidInputError: a lint rule failed.
        EngineError: OPA does not run, or its checks are not live.
    """
    applied = (*(r for r in SHIPPED.values() if r.origin != REGO), *(r.rule for r in rego_rules))
    if not any(map(is_rule, files.sources.own)):
        nothing = _sorted(map(finding_of, files.problems))
        return LintResult(nothing, files.sources.own, len(files.sources.own), 0, 0, applied, (NOTHING,))
    reading = parse(files, work, opa)
    own = own_checks(reading, data)
    prepare(reading, own, work)
    problems = [*reading.problems, *own.problems]
    compiled = opa_problems(reading, work, opa, proven=not problems)
    problems += [*compiled, *format_problems(reading, work, opa)]
    runs = not compiled and not reading.unread
    tests = tested(reading.modules, reading.sources.files, work, opa) if runs else []
    problems += [*failing_problems(tests), *missing_problems(reading, tests), *idle_problems(reading, own)]
    document = _document(reading, own, tests, work, opa, runs=runs, now=now)
    found = [*map(finding_of, problems), *rego_findings(rego_rules, document, reading.sources.files, work, opa)]
    mine = reading.sources.own
    # What the folder itself is refused for is the author's, also where the base has a file of that name.
    refused = map(finding_of, files.problems)
    return LintResult(
        findings=_sorted([*refused, *_of_authors(found, reading)]),
        files=mine,
        checked=len(mine),
        rules=sum(map(is_rule, mine)),
        tests=len(tests),
        applied=applied,
        notes=() if runs else (UNTESTED,),
    )


def _of_authors(found: Sequence[Finding], reading: Reading) -> list[Finding]:
    """Without what is said of a base; and of the generated gate only where nothing else is wrong."""
    own = [f for f in found if f.file not in reading.sources.borrowed and f.file not in GENERATED]
    errors = any(f.rule.severity == ERROR for f in own)
    return own if errors else [f for f in found if f.file not in reading.sources.borrowed]


def finding_of(problem: Problem) -> Finding:
    """A finding from a problem of a check."""
    told = rephrased(problem)
    at = told.location
    rule = SHIPPED[told.rule or rule_id_of(told.reason.code)]
    line = (at.line or 0) if at else 0
    column = (at.column or 1) if at and line else 0
    code = FINDING if rule.id in _BUILT else told.reason.code
    return Finding(rule, told.message, told.hint, at.file if at else "", line, column, code)


def _sorted(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """By place. Of one rule and line one finding is enough: OPA and a check of ours may see the same."""
    kept: dict[tuple[object, ...], Finding] = {}
    for finding in sorted(found, key=Finding.order):
        same = (finding.rule.id, finding.file, finding.line, finding.column, finding.message)
        kept.setdefault(same[:3] if finding.rule.id in _SEEN_TWICE else same, finding)
    return tuple(kept.values())


_SEEN_TWICE = frozenset({"import/unused", "reference/unknown-organisation-key", "reference/undefined"})


def _document(
    reading: Reading, own: Own, tests: Sequence[Tested], work: Path, opa: Opa, *, runs: bool, now: int
) -> JsonObject:
    """What lint rules in Rego see."""
    names = cast("list[JsonValue]", sorted(reading.sources.own))
    return {
        "files": {m.name: m.tree for m in reading.modules},
        "text": {n: [*d.decode("utf-8", "replace").split("\n")] for n, d in reading.sources.rego.items()},
        "inspect": inspected(work, opa),
        "index": own.index.to_json(),
        "tests": [t.to_json() for t in tests],
        "tested": runs,
        "fixtures": fixtures(reading, work, opa) if runs else {},
        "own": names,
        "now_unix": now,
    }
