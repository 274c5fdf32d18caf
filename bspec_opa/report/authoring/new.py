"""A new rule for people and as ``bspec.policy-new/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.report.printable import printable
from bspec_opa.report.text import next_lines

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.report.style import Style
    from bspec_opa.workflow.authors.new import Written

STEPS = ("bspec-opa policy test", "bspec-opa bundle build -o policies.tar.gz")


def new_text(made: Written, style: Style) -> str:
    """What was written, and what comes next."""
    lines = [f"{style.mark('NEW', 'bold', 'green')}  {made.rule}   ({made.code}, owned by {made.owner})"]
    lines += [f"  wrote     {printable(str(p))}" for p in made.written]
    lines += [f"  red       its test fails until you say what the rule finds: {printable(str(made.test))}"]
    return "\n".join([*lines, *next_lines(STEPS)]) + "\n"


def new_json(made: Written) -> JsonObject:
    """The same for machines."""
    return {
        "schema": "bspec.policy-new/v1",
        "exit_code": 0,
        "rule": made.rule,
        "code": made.code,
        "owner": made.owner,
        "written": [str(p) for p in made.written],
        "next": [*STEPS],
    }
