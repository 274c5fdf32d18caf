"""A line of the past, in 80 columns and as JSON."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from bspec_opa.report.writing.counting import by
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.audit.lines import PastLine, Signed

WIDTH = 80
PAD = " " * 15
MARKS = {"initial": "+", "expansion": "+", "reduction": "-", "governance": "!", "cosmetic": "~"}


def labelled(label: str, text: str) -> Iterator[str]:
    """A label and its text, wrapped; a digest is never broken."""
    lines = wrap(text, WIDTH - len(PAD), break_long_words=False, break_on_hyphens=False) or [""]
    yield f"    {label:<11}{lines[0]}".rstrip()
    yield from (PAD + line for line in lines[1:])


def note_lines(notes: Iterable[str]) -> Iterator[str]:
    """What was not checked."""
    for note in notes:
        first, *more = wrap(printable(note), WIDTH - 8)
        yield f"note    {first}"
        yield from (f"        {line}" for line in more)


def people_lines(line: PastLine, at: str = "") -> Iterator[str]:
    """Who said so, and on what evidence; of a moment, which waivers had ended by then."""
    yield from rollback_lines(line)
    yield from labelled("approved", _people(line.approvals))
    yield from labelled("evidence", "; ".join(sorted(map(_about, line.runs))) or "none")
    for waiver in line.waivers:
        ended = "; it had ended by then" if waiver.expires and waiver.expires <= at else ""
        yield from labelled("waived", _waived(waiver) + ended)
    yield from labelled("submitted", _people(line.submits))
    for adopted in line.adopted:
        yield from labelled("adopted", f"in {adopted.environment} since {adopted.at}: it ran before it was promoted")
    yield from labelled("requested", f"{_people([line.request])}; signed by {printable(line.gate)}")


def name_of(line: PastLine, style: Style) -> str:
    """What a line is, and its number."""
    if line.emergency:
        return f"{style.mark('EMERGENCY rollback', 'bold', 'red')} {line.number}"
    return f"{'rollback' if line.target else 'line'} {line.number}"


def rollback_lines(line: PastLine) -> Iterator[str]:
    """What was gone back to, and loudly that it was an emergency."""
    if line.target:
        yield f"    back to {line.target}"
    if line.emergency:
        reviewed = f"reviewed by {_people(line.reviews)}" if line.reviews else "NOT REVIEWED by anybody uninvolved"
        yield from labelled("EMERGENCY", f"by the quorum for emergencies; {reviewed}")


def change_lines(line: PastLine) -> Iterator[str]:
    """What it changed, in words."""
    change = line.change
    yield from labelled("change", change.verdict if change.items else f"{change.verdict}: nothing")
    for verdict, _, what in change.items:
        first, *more = wrap(printable(what), WIDTH - len(PAD) - 2, break_on_hyphens=False)
        yield f"{PAD}{MARKS[verdict]} {first}"
        yield from (f"{PAD}  {text}" for text in more)


def since_lines(line: PastLine) -> Iterator[str]:
    """What became known later."""
    for said in line.said_since:
        yield from labelled("SINCE THEN", printable(said))


def _people(records: Sequence[Signed]) -> str:
    names = [by(r.principal, r.role) if r.type == "approval" else r.principal or "not in the ledger" for r in records]
    return printable(", ".join(sorted(set(names)))) or "nobody"


def _about(run: Signed) -> str:
    return printable(f"{run.about} by {run.principal}" if run.principal else f"{run.id} is not in the ledger")


def _waived(waiver: Signed) -> str:
    if not waiver.principal:
        return printable(f"{waiver.id} is not in the ledger")
    return printable(f"{waiver.about} ({by(waiver.principal, waiver.role)}, until {waiver.expires})")


def line_json(line: PastLine) -> JsonObject:
    """Everything about it."""
    return {
        "number": line.number,
        "digest": line.digest,
        "entry": line.entry,
        "kind": line.kind,
        "target_line": line.target,
        "emergency": line.emergency,
        "reviews": [_signed_json(r) for r in line.reviews],
        "at": line.at,
        "intent": line.intent,
        "binding": line.binding,
        "bundle": {"name": line.bundle.name, "revision": line.bundle.revision, "digest": line.bundle.digest},
        "assurance": line.assurance,
        "change": {
            "verdict": line.change.verdict,
            "items": [{"verdict": v, "path": p, "what": w} for v, p, w in line.change.items],
        },
        "gate": line.gate,
        "submits": [_signed_json(r) for r in line.submits],
        "evidence": [_signed_json(r) for r in line.runs],
        "approvals": [_signed_json(r) for r in line.approvals],
        "waivers": [_signed_json(r) for r in line.waivers],
        "request": _signed_json(line.request),
        "adopted": [{"environment": a.environment, "at": a.at, "deployed": a.deployed} for a in line.adopted],
        "since": [
            {
                "of": of,
                "kind": s.kind,
                "id": s.id,
                "root_version": s.version,
                "entry": s.entry,
                "by": s.by,
                "at": s.at,
                "reason": s.reason,
            }
            for of, s in line.everything_since
        ],
    }


def _signed_json(record: Signed) -> JsonObject:
    return {
        "type": record.type,
        "id": record.id,
        "entry": record.entry,
        "principal": record.principal,
        "role": record.role,
        "at": record.at,
        "expires": record.expires,
        "about": record.about,
    }
