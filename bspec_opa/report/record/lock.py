"""A lock for people and as ``bspec.lock/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from bspec_opa.report.writing.counting import by, count
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.lock.line import LockLine
    from bspec_opa.report.writing.style import Style

MARKS = {"expansion": "+", "reduction": "-", "governance": "!", "cosmetic": "~"}


def lock_text(lines: Sequence[LockLine], style: Style) -> str:
    """Every line, one block each; nothing here was verified."""
    blocks = ["\n".join(_block(line, style)) for line in lines]
    return "\n\n".join(blocks) + "\n"


def _block(line: LockLine, style: Style) -> list[str]:
    p = cast("dict[str, Any]", line.predicate)
    title = style.mark(f"line {line.seq + 1}", "bold")
    return [
        f"{title}  {_kind(line, style)} of {line.agent} → {line.environment}  {p['now']}",
        f"  digest    {line.digest}",
        f"  intent    {line.intent_digest}  ({p['schema']})",
        f"  surface   {line.surface_digest}",
        f"  binding   {line.binding_digest}",
        *_binding(p["binding"]),
        f"  base      {line.base}",
        f"  source    {line.source}",
        *([f"  back to   {line.target_line}, as it was"] if line.target_line else []),
        *(f"  adopted   in {a['environment']} since {a['at']}: it ran before it was promoted" for a in p["adopted"]),
        f"  change    {p['change']['verdict']}",
        *(f"    {MARKS.get(i['verdict'], ' ')} {printable(i['what'])}" for i in p["change"]["items"]),
        f"  approvals {' · '.join(sorted(by(a['principal'], a['role']) for a in p['approvals']))}",
        f"  evidence  {count(len(p['evidence']), 'run')}",
        *_waived(p),
        f"  decided   {count(len(p['decision']['rules']), 'rule')}, {p['decision']['assurance']} by {_engines(p)}",
        f"  policy    {', '.join(b['name'] + ' ' + b['digest'] for b in p['bundles'])}",
        f"  ledger    {p['decided_on']['origin']} at {count(p['decided_on']['tree_size'], 'entry', 'entries')}",
    ]


def _kind(line: LockLine, style: Style) -> str:
    return style.mark("EMERGENCY rollback", "bold", "red") if line.emergency else line.kind


def _waived(predicate: dict[str, Any]) -> Iterable[str]:
    """What was waived; by whom, why and until when stands in the ledger, and ``history`` says it."""
    rules = ", ".join(r["id"] for r in predicate["decision"]["rules"] if r["status"] == "waived")
    for waiver in predicate["waivers"]:
        yield f"  waiver    {waiver}"
    if rules:
        yield f"  waived    {printable(rules)}"


def _engines(predicate: dict[str, Any]) -> str:
    return ", ".join(f"{e['kind']} ({e['version']}, {e['provenance']})" for e in predicate["decision"]["engines"])


def _binding(binding: dict[str, Any]) -> Iterable[str]:
    for m in binding["models"]:
        yield f"    model     {m['class']}  {m['provider']} {printable(m['identity'])}  ({m['immutability']})"
    for t in binding["tools"]:
        operations = ", ".join(o["name"] for o in t["operations"])
        yield f"    tool      {t['id']}  {t['release']}  {t['contract']['digest']}  {printable(operations)}"
    for c in binding["components"]:
        yield f"    component {c['id']}  {c['digest']}"


def lock_json(lines: Sequence[LockLine]) -> JsonObject:
    """Every line's predicate with its digest."""
    return {
        "schema": "bspec.lock/v1",
        "exit_code": 0,
        "lines": [
            {
                "number": line.seq + 1,
                "digest": line.digest,
                "agent": line.agent,
                "environment": line.environment,
                "intent_digest": line.intent_digest,
                "binding_digest": line.binding_digest,
                "predicate": line.predicate,
            }
            for line in lines
        ],
    }
