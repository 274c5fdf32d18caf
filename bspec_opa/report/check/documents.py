"""A check as ``bspec.check/v1``: one document, or one for each intent on a line of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from bspec_opa.report.check.interface import Tally, verdict_of
from bspec_opa.report.decision.evaluation_json import bundle_json
from bspec_opa.report.writing.printable import render_json
from bspec_opa.report.writing.problems import problem_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.report.check.interface import Manner
    from bspec_opa.workflow.facts.checked import Checked, CheckedRule, Found


class JsonReport:
    """``--format json``."""

    apart: ClassVar[bool] = False

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._files: list[JsonObject] = []

    def one(self, checked: Checked) -> str:
        """Nothing yet."""
        self._files.append(file_json(checked, self._manner))
        return ""

    def end(self, tally: Tally) -> str:
        """The document."""
        return render_json(check_json(self._files, tally))


class JsonLinesReport:
    """``--format jsonl``."""

    apart: ClassVar[bool] = True

    def __init__(self, manner: Manner) -> None:
        self._manner = manner

    def one(self, checked: Checked) -> str:
        """A document about this intent alone."""
        tally = Tally(self._manner)
        tally.add(checked)
        return render_json(check_json([file_json(checked, self._manner)], tally), one_line=True)

    def end(self, tally: Tally) -> str:  # noqa: ARG002 - every line stands alone
        """Nothing more."""
        return ""


def check_json(files: Sequence[JsonObject], tally: Tally) -> JsonObject:
    """The whole document."""
    counts: dict[str, JsonValue] = {**tally.counts}
    return {"schema": "bspec.check/v1", "exit_code": int(tally.exit_code), "counts": counts, "files": [*files]}


def file_json(checked: Checked, manner: Manner) -> JsonObject:
    """One intent with every rule that ran."""
    return {
        "file": checked.file,
        "verdict": verdict_of(checked),
        "exit_code": int(checked.exit_code(fail_on_warn=manner.fail_on_warn)),
        "agent": checked.agent,
        "version": checked.version,
        "bundle": [bundle_json(checked.bundle)] if checked.bundle else [],
        "rules": [_rule(r) for r in checked.rules],
        "problems": problem_list(checked.problems),
    }


def _rule(rule: CheckedRule) -> JsonObject:
    controls: list[JsonValue] = [*rule.controls]
    return {
        "id": rule.id,
        "origin": rule.origin,
        "code": rule.code,
        "title": rule.title,
        "status": rule.status,
        "severity": rule.severity,
        "remediation": rule.remediation,
        "controls": controls,
        "denied": _findings(rule.denied),
        "warned": _findings(rule.warned),
        "excepted": _findings(rule.excepted),
    }


def _findings(findings: Iterable[Found]) -> list[JsonValue]:
    return [
        {
            "message": f.message,
            "path": f.path,
            "file": f.spot.file,
            "line": f.spot.line,
            "column": f.spot.column,
            "end_column": f.spot.end_column,
            "details": dict(f.details or {}),
        }
        for f in findings
    ]
