"""What agents could do at a moment, for people in 80 columns and as ``bspec.audit/v1``."""

from __future__ import annotations

from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

from bspec_opa.foundation.times import format_time
from bspec_opa.report.audit.lines import PAD, WIDTH, labelled, line_json, note_lines, people_lines, since_lines
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.printable import printable
from bspec_opa.workflow.audit.moment import AUTHORISED, NO_LINE, NOT_PROVEN, NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.audit.lines import PastLine
    from bspec_opa.workflow.audit.moment import Authorised, Moment

_WORDS = {AUTHORISED: ("AUTHORISED", "green"), NOTHING: ("NOTHING", "dim"), NOT_PROVEN: ("NOT PROVEN", "red")}


def moment_text(moment: Moment, style: Style) -> str:
    """Agent by agent; those without any line on one line together."""
    entries = count(moment.tree_size, "ledger entry", "ledger entries")
    lines = [
        f"{style.mark('AUDIT', 'bold')}  at {format_time(moment.at)}",
        f"    {moment.position} of {entries} (the last of {format_time(moment.until)})",
        f"    trust root version {moment.root_then} then, {moment.root_now} now",
    ]
    idle = []
    several = len({a.agent for a in moment.agents}) > 1
    for agent, found in groupby(moment.agents, key=lambda a: a.agent):
        places = list(found)
        if several and all(p.why == NO_LINE for p in places):
            idle.append(agent)
            continue
        for place in places:
            lines += ["", *_place(place, format_time(moment.at), style)]
    if idle:
        lines += ["", f"{style.mark('NOTHING', 'dim')}  {count(len(idle), 'agent')} without any line"]
        lines += wrap(printable(", ".join(idle)), WIDTH, initial_indent="    ", subsequent_indent="    ")
    return "\n".join([*lines, "", *note_lines(moment.notes)]).rstrip("\n") + "\n"


def _place(place: Authorised, at: str, style: Style) -> Iterator[str]:
    word, colour = _WORDS[place.state]
    version = f" {place.version}" if place.version else ""
    yield f"{style.mark(word, 'bold', colour)}  {printable(place.agent + version)} → {printable(place.environment)}"
    if place.why:
        yield from labelled("because", printable(place.why))
    if place.line is not None:
        yield from _line(place, place.line, at)


def _line(place: Authorised, line: PastLine, at: str) -> Iterator[str]:
    replayed = f", {count(place.rules, 'rule')} replayed" if place.rules else ""
    yield from labelled("line", f"{line.number} of {line.at}, entry {line.entry}; {line.assurance}{replayed}")
    yield f"    {line.digest}"
    if place.capabilities:
        yield from _could(place.capabilities)
    bound = line.bound
    for m in bound["models"]:
        yield from labelled("model", printable(f"{m['class']} is {m['provider']} {m['identity']}"))
    for t in bound["tools"]:
        operations = ", ".join(o["name"] for o in t["operations"])
        yield from labelled("tool", printable(f"{t['id']} {t['release']}: {operations}"))
    for c in bound["components"]:
        yield from labelled("component", printable(f"{c['id']}"))
        yield f"    {c['digest']}"
    yield from people_lines(line, at)
    yield from since_lines(line)


def _could(capabilities: tuple[str, ...]) -> Iterator[str]:
    label = "could"
    for capability in capabilities:
        first, *more = wrap(printable(capability), WIDTH - len(PAD), break_on_hyphens=False)
        yield f"    {label:<11}{first}"
        yield from (PAD + text for text in more)
        label = ""


def moment_json(moment: Moment) -> JsonObject:
    """The same for machines."""
    notes: list[JsonValue] = [*moment.notes]
    return {
        "schema": "bspec.audit/v1",
        "exit_code": int(moment.exit_code),
        "at": format_time(moment.at),
        "position": moment.position,
        "tree_size": moment.tree_size,
        "until": format_time(moment.until),
        "trust_root": {"then": moment.root_then, "now": moment.root_now},
        "agents": [_place_json(a) for a in moment.agents],
        "notes": notes,
    }


def _place_json(place: Authorised) -> JsonObject:
    bound = place.line.bound if place.line else {"models": [], "tools": [], "components": []}
    return {
        "agent": place.agent,
        "environment": place.environment,
        "state": place.state,
        "why": place.why,
        "version": place.version,
        "capabilities": [*place.capabilities],
        "surface": place.surface,
        "models": [{n: m[n] for n in ("class", "provider", "identity", "region")} for m in bound["models"]],
        "tools": [
            {
                "id": t["id"],
                "release": t["release"],
                "contract_digest": t["contract"]["digest"],
                "operations": [o["name"] for o in t["operations"]],
            }
            for t in bound["tools"]
        ],
        "components": [{"id": c["id"], "digest": c["digest"]} for c in bound["components"]],
        "rules": place.rules,
        "line": [line_json(place.line)] if place.line else [],
    }
