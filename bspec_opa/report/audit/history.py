"""An agent's history for people, in 80 columns, and as ``bspec.history/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.times import format_time
from bspec_opa.report.audit.lines import (
    change_lines,
    labelled,
    line_json,
    name_of,
    note_lines,
    people_lines,
    since_lines,
)
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.audit.history import AgentHistory, Event

_COLOURS = {"current": ("bold", "green"), "superseded": ("dim",), "pending": ("yellow",)}


def history_text(history: AgentHistory, style: Style) -> str:
    """Environment by environment, the newest first."""
    ledger = f"{count(history.tree_size, 'ledger entry', 'ledger entries')} until {format_time(history.until)}"
    lines = [f"{style.mark('HISTORY', 'bold')}  {history.agent}   ({ledger})"]
    for environment, events in history.environments:
        lines += ["", style.mark(environment, "bold")]
        for event in events:
            lines += _event(event, style)
    if not history.environments:
        lines += ["", f"  {_nothing(history.denied)}"]
    lines.append("")
    lines += note_lines(history.notes)
    return "\n".join(lines) + "\n"


def _nothing(denied: int) -> str:
    if not denied:
        return "nothing was decided"
    return f"no line; {count(denied, 'promotion was', 'promotions were')} not allowed (--denials lists them)"


def _event(event: Event, style: Style) -> Iterator[str]:
    state = style.mark(event.state, *_COLOURS.get(event.state, ("bold", "red")))
    if event.line is not None:
        line = event.line
        yield f"  {name_of(line, style)}  {printable(event.version)}  {line.at}  entry {line.entry}  {state}"
        yield f"    {line.digest}"
        if event.why:
            yield from labelled("because", printable(event.why))
        yield from people_lines(line)
        yield from change_lines(line)
        yield from since_lines(line)
    elif event.denial is not None:
        denial = event.denial
        yield f"  denial  {printable(event.version)}  {denial.at}  entry {denial.entry}  {state}"
        yield from labelled("by", ", ".join(denial.rules) or "the floor")
    else:
        yield f"  entry {event.entry}  {state}"
        yield from labelled("because", printable(event.why))


def history_json(history: AgentHistory) -> JsonObject:
    """The same for machines."""
    notes: list[JsonValue] = [*history.notes]
    return {
        "schema": "bspec.history/v1",
        "exit_code": 0,
        "agent": history.agent,
        "tree_size": history.tree_size,
        "until": format_time(history.until),
        "trust_root_version": history.root_version,
        "environments": [
            {"environment": name, "events": [_event_json(e) for e in events]} for name, events in history.environments
        ],
        "notes": notes,
    }


def _event_json(event: Event) -> JsonObject:
    denial = event.denial
    return {
        "state": event.state,
        "version": event.version,
        "entry": event.entry,
        "why": event.why,
        "line": [line_json(event.line)] if event.line else [],
        "denial": [{"at": denial.at, "rules": [*denial.rules], "gate": denial.gate}] if denial else [],
    }
