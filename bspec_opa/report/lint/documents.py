"""A lint as ``bspec.lint/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.report.lint.interface import LintTally, shown_file, spot_of_finding

if TYPE_CHECKING:
    from bspec_opa.authoring.lint.model import Finding
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.report.check.interface import Manner
    from bspec_opa.workflow.authors.linting import Linted


def lint_json(linted: Linted, manner: Manner) -> JsonObject:
    """The whole document."""
    tally = LintTally(linted.result, manner)
    counts: dict[str, JsonValue] = {**tally.counts}
    mended = linted.mended
    changed: list[JsonValue] = [(linted.folder / n).as_posix() for n in mended.after] if mended else []
    return {
        "schema": "bspec.lint/v1",
        "exit_code": int(tally.exit_code),
        "counts": counts,
        "findings": [_finding(linted, f) for f in linted.result.findings],
        "mended": [_mend(linted, f) for f in mended.gone] if mended else [],
        "changed": changed,
        "written": linted.written,
        "applied": [{"id": r.id, "severity": r.severity, "origin": r.origin} for r in linted.result.applied],
        "notes": [*linted.result.notes],
    }


def _finding(linted: Linted, finding: Finding) -> JsonObject:
    spot = spot_of_finding(linted.folder, finding, linted.result)
    return {
        "rule": finding.rule.id,
        "severity": finding.rule.severity,
        "code": finding.code,
        "message": finding.message,
        "hint": finding.hint,
        "file": spot.file,
        "line": spot.line,
        "column": spot.column,
        "end_column": spot.end_column,
        "fixable": finding.rule.fixable,
        "page": finding.rule.page,
    }


def _mend(linted: Linted, finding: Finding) -> JsonObject:
    return {"rule": finding.rule.id, "file": shown_file(linted.folder, finding), "line": finding.line}
