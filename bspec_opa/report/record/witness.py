"""A running witness, and cosignatures that were obtained, for people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.times import format_time
from bspec_opa.report.writing.printable import printable, render_json

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.witness.log import Event
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.witness.asking import Answer
    from bspec_opa.workflow.witness.cosigning import Cosigning
    from bspec_opa.workflow.witness.serving import Witnessing


def witnessing_text(found: Witnessing, style: Style) -> str:
    """Its name and key; where it is asked and what it remembers, if it runs."""
    who = ["a token"] * found.tokens + ["a client certificate"] * found.client_certificates
    open_to = f"with {' and '.join(who)}" if who else "open to everybody"
    name = printable(found.witness.name)
    head = f"{found.url}   ({open_to})" if found.url else "has an empty state"
    lines = [f"{style.mark('WITNESS', 'bold', 'green')}  {name}  {head}", f"  key       {found.vkey}"]
    for origin, checkpoint in found.known.items():
        lines.append(f"  log       {origin}  {f'{checkpoint.size} entries' if checkpoint else 'nothing seen yet'}")
    return "\n".join([*lines, *(f"  note      {printable(n)}" for n in found.notes)]) + "\n"


def witnessing_json(found: Witnessing) -> JsonObject:
    """``bspec.witness/v1``."""
    return {
        "schema": "bspec.witness/v1",
        "exit_code": 0,
        "name": found.witness.name,
        "keyid": found.witness.key.keyid,
        "vkey": found.vkey,
        "url": found.url,
        "client_certificates": found.client_certificates,
        "tokens": found.tokens,
        "logs": [{"origin": o, "tree_size": c.size if c else 0} for o, c in found.known.items()],
        "notes": [*found.notes],
    }


def event_text(event: Event) -> str:
    """One line."""
    entries = f"{event.size} entries" if event.kind == "cosigned" else ""
    code = f"[{event.code}]" if event.code else ""
    parts = [event.kind.ljust(11), event.origin, entries, event.file, event.message, code]
    return "  ".join([format_time(event.at), *(printable(p) for p in parts if p)]).rstrip() + "\n"


def event_json(event: Event) -> str:
    """``bspec.witness-event/v1``, one line."""
    return render_json(
        {
            "schema": "bspec.witness-event/v1",
            "exit_code": 0,
            "time": format_time(event.at),
            "event": event.kind,
            "origin": event.origin,
            "tree_size": event.size,
            "file": event.file,
            "code": event.code,
            "message": event.message,
        },
        one_line=True,
    )


def cosigned_text(done: Cosigning, style: Style) -> str:
    """Who has cosigned what, and who has not."""
    ledger, demand = done.ledger, done.demand
    tree = f"{ledger.origin}  {ledger.size} entries  {ledger.root_hash[:19]}…"
    count = f"{len(done.found)} witnesses, {demand.threshold} needed"
    lines = [f"{style.mark('COSIGNED', 'bold', 'green')}  {tree}   ({count})"]
    lines += [f"  {c.witness.name:<24} {format_time(c.at)}" for c in done.found]
    lines += [f"  missing   {printable(_why(a))}" for a in done.answers if a.problem is not None]
    return "\n".join(lines) + "\n"


def cosigned_json(done: Cosigning) -> JsonObject:
    """``bspec.cosigned/v1``."""
    return {
        "schema": "bspec.cosigned/v1",
        "exit_code": 0,
        "origin": done.ledger.origin,
        "tree_size": done.ledger.size,
        "root_hash": done.ledger.root_hash,
        "threshold": done.demand.threshold,
        "cosignatures": [{"witness": c.witness.name, "at": format_time(c.at)} for c in done.found],
        "asked": [
            {
                "url": a.url,
                "witnesses": [c.witness.name for c in a.cosigned],
                "code": a.problem.reason.code if a.problem else "",
                "message": a.problem.message if a.problem else "",
            }
            for a in done.answers
        ],
    }


def _why(answer: Answer) -> str:
    assert answer.problem is not None  # noqa: S101 - the caller looked
    return f"{answer.problem.message} [{answer.problem.reason.code}]"
