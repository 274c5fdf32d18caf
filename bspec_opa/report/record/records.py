"""Records that were signed or sequenced, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.report.decision.text import next_lines
from bspec_opa.report.writing.counting import by, count
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.report.writing.style import Style
    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.facts.evaluation import Rejected
    from bspec_opa.workflow.issue import Issued

PAST = {"submit": "SUBMITTED", "evidence": "ATTESTED", "request": "REQUESTED", "review": "REVIEWED"}


def issued_text(issued: Issued, next_steps: Sequence[str], style: Style) -> str:
    """What was signed, by whom, and the file."""
    record = issued.record
    word = PAST.get(record.type) or ("APPROVED" if record.predicate["decision"] == "approve" else "REJECTED")
    where = f" → {record.environment}" if record.environment else ""
    lines = [
        f"{style.mark(word, 'bold', 'green')}  {record.agent}{where}   (by {by(record.principal, record.role)})",
        f"  record    {record.id}",
        f"  file      {printable(str(issued.file))}",
        *next_lines(next_steps),
    ]
    return "\n".join(lines) + "\n"


def record_json(record: Record) -> JsonObject:
    """A record's identity."""
    return {
        "type": record.type,
        "id": record.id,
        "agent": record.agent,
        "environment": record.environment or "",
        "principal": record.principal,
        "role": record.role,
    }


def issued_json(issued: Issued, next_steps: Sequence[str]) -> JsonObject:
    """``bspec.record/v1``."""
    return {
        "schema": "bspec.record/v1",
        "exit_code": 0,
        "record": record_json(issued.record),
        "file": str(issued.file),
        "next": [*next_steps],
    }


def sequenced_text(added: Sequence[Record], rejected: Sequence[Rejected], tree_size: int, style: Style) -> str:
    """What went into the ledger and what did not."""
    what, entries = count(len(added), "record"), count(tree_size, "entry", "entries")
    lines = [f"{style.mark('RECORDED', 'bold', 'green')}  {what}; the ledger has {entries}"]
    lines += [f"  {r.type:<9} {r.id}  by {by(r.principal, r.role)}" for r in added]
    lines += [f"  ignored   {printable(r.file)}: {printable(r.message)} ({r.code})" for r in rejected]
    return "\n".join(lines) + "\n"


def sequenced_json(added: Sequence[Record], rejected: Sequence[Rejected], tree_size: int) -> JsonObject:
    """``bspec.recorded/v1``."""
    sequenced: list[JsonValue] = [record_json(r) for r in added]
    return {
        "schema": "bspec.recorded/v1",
        "exit_code": 0,
        "tree_size": tree_size,
        "records": sequenced,
        "rejected": [
            {"type": r.type, "id": r.id, "file": r.file, "code": r.code, "message": r.message} for r in rejected
        ],
    }
