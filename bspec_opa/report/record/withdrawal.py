"""A revocation or a retirement that was signed, for people and as ``bspec.revoked/v1`` and ``bspec.retired/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import DIGEST, IDENTIFIER, PRINCIPAL, TEXT, array, boolean, enum, integer, obj
from bspec_opa.report.decision.text import next_lines
from bspec_opa.report.writing.counting import by
from bspec_opa.report.writing.printable import printable
from bspec_opa.report.writing.schema_parts import LINE, LINES, OPTIONAL_DIGEST
from bspec_opa.trust.withdrawal import REVOCABLE, WITHDRAWAL_MODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.life.recording import Put
    from bspec_opa.workflow.life.retiring import Retired
    from bspec_opa.workflow.life.revoking import Revoked

_PUT = {"record": DIGEST, "principal": PRINCIPAL, "file": LINE, "entry": integer(-1), "in_force": boolean()}
SCHEMAS: dict[str, tuple[tuple[int, ...], dict[str, JsonObject]]] = {
    "bspec.revoked/v1": (
        (0,),
        {
            **_PUT,
            "agent": IDENTIFIER,
            "mode": enum(*WITHDRAWAL_MODES),
            "reason": TEXT,
            "target": obj(type=enum(*REVOCABLE), id=DIGEST, line=OPTIONAL_DIGEST, entry=integer(-1), environment=LINE),
            "next": LINES,
        },
    ),
    "bspec.retired/v1": (
        (0,),
        {
            "agent": IDENTIFIER,
            "reason": TEXT,
            "environments": array(obj(environment=IDENTIFIER, line=OPTIONAL_DIGEST, **_PUT), minimum=1),
            "before": LINES,
            "next": LINES,
        },
    ),
}


def revoked_text(revoked: Revoked, next_steps: Sequence[str], style: Style) -> str:
    """What was revoked, and whether that is in force."""
    target, put = revoked.target, revoked.put
    where = f" → {target.environment}" if target.environment else ""
    held = f"ledger entry {target.entry}" if target.entry >= 0 else "in the inbox"
    void = revoked.mode == "compromised"
    means = "what rests on it is void, too" if void else "nothing decided from now on may rest on it"
    lines = [
        f"{_word('REVOKED', put, style)}  {target.agent}{where}   (by {by(put.record.principal, put.record.role)})",
        f"  what      {target.type} {target.line or target.id} ({held})",
        f"  mode      {revoked.mode}: {means}",
        *_put_lines(put),
        *next_lines(next_steps),
    ]
    return "\n".join(lines) + "\n"


def retired_text(retired: Retired, next_steps: Sequence[str], style: Style) -> str:
    """Where the agent was retired, and whether that is in force."""
    first = retired.ended[0].put
    head = f"{_word('RETIRED', first, style)}  {retired.agent}   (by {by(first.record.principal, first.record.role)})"
    lines = [head]
    for ended in retired.ended:
        lines.append(f"  where     {ended.environment}: {f'line {ended.line}' if ended.line else 'it had no line'}")
        lines += _put_lines(ended.put)
    lines += [f"  before    {environment}" for environment in retired.before]
    return "\n".join([*lines, *next_lines(next_steps)]) + "\n"


def _word(word: str, put: Put, style: Style) -> str:
    if put.entry >= 0:
        return style.mark(word, "bold", "green")
    return style.mark("SIGNED, NOT IN FORCE YET", "bold", "red")


def _put_lines(put: Put) -> list[str]:
    place = f"ledger entry {put.entry}" if put.entry >= 0 else "not in the ledger: it is in force once it is recorded"
    return [f"  record    {put.record.id}", f"  entry     {place}", f"  file      {printable(str(put.file))}"]


def revoked_json(revoked: Revoked, next_steps: Sequence[str]) -> JsonObject:
    """``bspec.revoked/v1``."""
    target = revoked.target
    return {
        "schema": "bspec.revoked/v1",
        "exit_code": 0,
        **_put_json(revoked.put),
        "agent": target.agent,
        "mode": revoked.mode,
        "reason": revoked.put.record.predicate["reason"],
        "target": {
            "type": target.type,
            "id": target.id,
            "line": target.line,
            "entry": target.entry,
            "environment": target.environment,
        },
        "next": [*next_steps],
    }


def retired_json(retired: Retired, next_steps: Sequence[str]) -> JsonObject:
    """``bspec.retired/v1``."""
    return {
        "schema": "bspec.retired/v1",
        "exit_code": 0,
        "agent": retired.agent,
        "reason": retired.ended[0].put.record.predicate["reason"],
        "environments": [{"environment": e.environment, "line": e.line, **_put_json(e.put)} for e in retired.ended],
        "before": [*retired.before],
        "next": [*next_steps],
    }


def _put_json(put: Put) -> JsonObject:
    return {
        "record": put.record.id,
        "principal": put.record.principal,
        "file": str(put.file),
        "entry": put.entry,
        "in_force": put.entry >= 0,
    }
