"""A new rule for people and as ``bspec.policy-new/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.report.decision.text import next_lines
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.authors.new import Written


def new_text(made: Written, style: Style) -> str:
    """What was written, and what comes next."""
    lines = [f"{style.mark('NEW', 'bold', 'green')}  {made.rule}   ({made.code}, owned by {made.owner})"]
    lines += [f"  wrote     {printable(str(p))}" for p in made.written]
    lines += ["  red       its test fails until the rule finds what the test demands"]
    return "\n".join([*lines, *next_lines(_steps(made))]) + "\n"


def _steps(made: Written) -> tuple[str, ...]:
    """What to do, in its order: rule and test until the tests pass, then what else is unfinished."""
    return (
        f"edit {made.source}",
        f"edit {made.test}",
        "bspec-opa policy test",
        "bspec-opa policy lint",
    )


def new_json(made: Written) -> JsonObject:
    """The same for machines."""
    return {
        "schema": "bspec.policy-new/v1",
        "exit_code": 0,
        "rule": made.rule,
        "code": made.code,
        "owner": made.owner,
        "written": [str(p) for p in made.written],
        "next": [*_steps(made)],
    }
