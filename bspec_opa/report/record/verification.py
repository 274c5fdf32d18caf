"""A verification for people and as ``bspec.verification/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.times import format_time
from bspec_opa.report.writing.counting import by, count
from bspec_opa.report.writing.printable import printable
from bspec_opa.workflow.currency.demanding import WITNESSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.currency.demanding import Shown
    from bspec_opa.workflow.verifying.verified import Verification, VerifiedLine


def verification_text(verification: Verification, lock: str, style: Style) -> str:
    """What held, line by line, and what was not checked."""
    head = f"{style.mark('VERIFIED', 'bold', 'green')}  {verification.agent}  "
    lines = [f"{head}{count(len(verification.lines), 'line')} of {printable(lock)}"]
    for v in verification.lines:
        current = "current" if v.current else "superseded"
        lines.append(
            f"  line {v.number}  {v.environment} at {v.at}  {current}; ledger entry {v.entry}; "
            f"{count(v.rules, 'rule')} replayed, {v.assurance}"
        )
        if v.withdrawn is not None:
            lines.append(f"          {style.mark('WITHDRAWN', 'bold', 'red')} {printable(v.withdrawn.said)}")
        lines += [f"          adopted {a}: it ran before it was promoted" for a in v.adopted]
        lines.append(f"          approved by {', '.join(sorted(by(p, r) for p, r in v.approvals))}")
        lines += _rollback(v, style)
        lines += [f"          rests on waiver {w}" for w in v.waivers]
    lines.append(
        f"  ledger  {count(verification.tree_size, 'entry', 'entries')} under a signed checkpoint; "
        f"trust root version {verification.root_version}"
    )
    lines.append(_currency(verification.shown))
    if verification.deployed:
        lines.append(f"  running {printable(verification.deployed)} is exactly what the current line binds")
    lines += [f"  note    {printable(n)}" for n in verification.notes]
    return "\n".join(lines) + "\n"


def _rollback(line: VerifiedLine, style: Style) -> Iterator[str]:
    """What was gone back to, and loudly that it was an emergency."""
    if line.target:
        yield f"          a rollback to {line.target}"
    if line.emergency:
        reviewed = f"reviewed by {', '.join(line.reviewed_by)}" if line.reviewed_by else "NOT REVIEWED"
        yield f"          {style.mark('EMERGENCY', 'bold', 'red')} by the quorum for emergencies; {reviewed}"


def _currency(shown: Shown) -> str:
    """What shows that this is no old state, which would verify just as well."""
    if shown.statement is not None:
        found = shown.statement
        moments = f"of {format_time(found.issued_unix)}, valid until {format_time(found.expires_unix)}"
        return f"  current by the head statement {moments}"
    if shown.by == WITNESSES:
        return "  current by the cosignatures of witnesses"
    return "  note    currency was not shown: no head statement is demanded or given"


def currency_json(shown: Shown) -> JsonObject:
    """The same for machines."""
    found = shown.statement
    return {
        "by": shown.by,
        "tree_size": found.tree_size if found else -1,
        "issued": format_time(found.issued_unix) if found else "",
        "expires": format_time(found.expires_unix) if found else "",
    }


def verification_json(verification: Verification) -> JsonObject:
    """The same for machines."""
    notes: list[JsonValue] = [*verification.notes]
    return {
        "schema": "bspec.verification/v1",
        "exit_code": 0,
        "agent": verification.agent,
        "tree_size": verification.tree_size,
        "trust_root_version": verification.root_version,
        "deployed": verification.deployed,
        "currency": currency_json(verification.shown),
        "lines": [
            {
                "number": v.number,
                "digest": v.digest,
                "environment": v.environment,
                "at": v.at,
                "entry": v.entry,
                "assurance": v.assurance,
                "rules": v.rules,
                "current": v.current,
                "kind": v.kind,
                "target_line": v.target,
                "emergency": v.emergency,
                "reviewed_by": [*v.reviewed_by],
                "adopted": [*v.adopted],
                "withdrawn": v.withdrawn.said if v.withdrawn else "",
                "approvals": [{"principal": p, "role": r} for p, r in v.approvals],
                "waivers": [*v.waivers],
            }
            for v in verification.lines
        ],
        "notes": notes,
    }
