"""An examination for people and as ``bspec.doctor/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.errors import ExitCode
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.doctor import Finding

COLOURS = {"ok": "green", "note": "yellow", "warn": "yellow", "bad": "red"}


def doctor_text(findings: Sequence[Finding], style: Style) -> str:
    """One line a finding, the remedy below it."""
    bad, warned, notes = (sum(f.state == s for f in findings) for s in ("bad", "warn", "note"))
    warnings = f"{count(warned, 'warning')}, " if warned else ""
    lines = [
        f"{_word(bad, warned, style)}  {count(len(findings), 'check')}: {bad} bad, {warnings}{count(notes, 'note')}",
        "",
    ]
    for f in findings:
        lines.append(f"{style.mark(f'{f.state:<5}', COLOURS[f.state])} {f.subject:<22} {printable(f.message)}")
        if f.remedy:
            lines.append(f"{'':<29}→ {printable(f.remedy)}")
    return "\n".join(lines) + "\n"


def _word(bad: int, warned: int, style: Style) -> str:
    """What it comes to; what is warned of is that nothing is authenticated."""
    if bad:
        return style.mark("NOT READY", "bold", "red")
    return style.mark("NOT AUTHENTICATED", "bold", "yellow") if warned else style.mark("READY", "bold", "green")


def doctor_json(findings: Sequence[Finding], code: ExitCode) -> JsonObject:
    """The same for machines."""
    return {
        "schema": "bspec.doctor/v1",
        "exit_code": int(code),
        "findings": [
            {"subject": f.subject, "state": f.state, "message": f.message, "remedy": f.remedy, "code": f.code}
            for f in findings
        ],
    }
