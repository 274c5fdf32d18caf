"""What a reviewer of an emergency is shown before signing."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

from bspec_opa.report.writing.counting import by
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from bspec_opa.workflow.life.review import Emergency

MARKS = {"expansion": "+", "reduction": "-", "governance": "!", "cosmetic": "~"}


def emergency_text(emergency: Emergency) -> str:
    """What was done, by whom, and what it changed."""
    line = emergency.line
    said: dict[str, Any] = line.record.predicate
    approved = sorted(by(a["principal"], a["role"]) for a in said["approvals"])
    lines = [
        f"EMERGENCY ROLLBACK of {line.record.agent} in {said['environment']} to {emergency.version}, {said['now']}",
        f"  line      {line.line}  (ledger entry {line.seq})",
        f"  back to   {said['target_line']}",
        f"  replaced  {said['base']}",
        f"  requested {said['requester']}",
        f"  approved  {' · '.join(approved)}",
        f"  change    {said['change']['verdict']}",
        *(f"    {MARKS.get(i['verdict'], ' ')} {printable(i['what'])}" for i in said["change"]["items"]),
    ]
    return "\n".join(lines) + "\n\n"


def steps_after_review(intent: str, environment: str) -> list[str]:
    """The next commands: what was waiting for the review can go on."""
    return [f"bspec-opa evaluate {quote(intent)} --env {quote(environment)}"]
