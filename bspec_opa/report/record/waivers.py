"""Waivers for people and as JSON: what one would lift, what was signed, and how each stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.report.decision.rolling import place_lines, subject_of, target_text
from bspec_opa.report.decision.standing import standing_json
from bspec_opa.report.decision.text import next_lines
from bspec_opa.report.record.records import record_json
from bspec_opa.report.writing.counting import by, count
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.gate.decision import Finding
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.facts.waivers import Standing
    from bspec_opa.workflow.issue import Issued
    from bspec_opa.workflow.life.listing import Waivers
    from bspec_opa.workflow.life.waiving import Intended

_COLOURS = {"in-force": ("bold", "green"), "used": ("green",), "orphaned": ("yellow",), "refused": ("bold", "red")}


def intended_text(intended: Intended) -> str:
    """What a waiver would lift, before it is signed."""
    situation, own, rule = intended.situation, intended.own, intended.rule
    lines = [
        f"{subject_of(intended.evaluation)}: waive {rule.id}",
        f"  {printable(rule.title)} ({rule.severity}), source {rule.digest}",
    ]
    for finding in intended.lifts:
        lines.append(f"  lifts     {printable(finding.path) or '/'}  {printable(finding.message)}")
        lines += place_lines(intended.evaluation, finding.path, "", " " * 12)
    lines += [f"  stays     {printable(f.path) or '/'}  {printable(f.message)}" for f in intended.stays]
    lines += [
        *target_text(intended.evaluation),
        f"  base      {situation.base}",
        f"  until     {intended.expires}",
        f"  asked by  {printable(str(own['requester']))}",
        f"  because   {printable(str(own['reason']))}",
    ]
    return "\n".join([*(line.rstrip() for line in lines), ""]) + "\n"


def waived_text(issued: Issued, intended: Intended, next_steps: Sequence[str], style: Style) -> str:
    """What was signed, by whom, and the file."""
    record = issued.record
    head = f"{style.mark('WAIVED', 'bold', 'green')}  {record.agent} → {record.environment}"
    lines = [
        f"{head}   (by {by(record.principal, record.role)})",
        f"  lifts     {count(len(intended.lifts), 'finding')} of {intended.rule.id} until {intended.expires}",
        f"  record    {record.id}",
        f"  file      {printable(str(issued.file))}",
        *next_lines(next_steps),
    ]
    return "\n".join(lines) + "\n"


def waived_json(issued: Issued, intended: Intended, next_steps: Sequence[str]) -> JsonObject:
    """``bspec.waiver/v1``."""
    return {
        "schema": "bspec.waiver/v1",
        "exit_code": 0,
        "record": record_json(issued.record),
        "file": str(issued.file),
        "rule": intended.rule.id,
        "lifts": _findings(intended.lifts),
        "stays": _findings(intended.stays),
        "expires": intended.expires,
        "next": [*next_steps],
    }


def _findings(findings: Iterable[Finding]) -> list[JsonValue]:
    return [{"path": f.path, "msg": f.message} for f in findings]


def waivers_text(waivers: Waivers, style: Style) -> str:
    """Every waiver with its status, and why it lifts nothing."""
    lines = [f"{style.mark('WAIVERS', 'bold')}  {waivers.agent}"]
    for environment, found in waivers.environments:
        lines += ["", style.mark(environment, "bold")]
        lines += [line for one in found for line in _standing(one, style)] or ["  none"]
    if waivers.rejected:
        lines += [
            "",
            *(f"  ignored   {printable(r.file)}: {printable(r.message)} ({r.code})" for r in waivers.rejected),
        ]
    if waivers.notes:
        lines += ["", *(f"  note      {printable(n)}" for n in waivers.notes)]
    return "\n".join(lines) + "\n"


def _standing(one: Standing, style: Style) -> Iterator[str]:
    waiver = one.waiver
    said = waiver.said
    where = "inbox" if one.entry < 0 else f"entry {one.entry}"
    yield f"  {style.mark(one.status, *_COLOURS.get(one.status, ('dim',)))}  {waiver.rule}   ({where})"
    yield f"    {waiver.id}"
    if one.why:
        yield f"    why       {printable(one.why)}"
    for finding in said["findings"]:
        yield f"    finding   {printable(finding['path']) or '/'}  {printable(finding['msg'])}"
    soon = ", which is soon" if one.soon else ""
    yield f"    until     {waiver.expires}{soon}"
    if waiver.renewals:
        yield f"    renewal   number {waiver.renewals}"
    yield f"    by        {by(waiver.record.principal, waiver.record.role)}, asked by {printable(said['requester'])}"
    yield f"    because   {printable(said['reason'])}"


def waivers_json(waivers: Waivers) -> JsonObject:
    """``bspec.waivers/v1``."""
    notes: list[JsonValue] = [*waivers.notes]
    return {
        "schema": "bspec.waivers/v1",
        "exit_code": 0,
        "agent": waivers.agent,
        "environments": [
            {"environment": name, "waivers": [standing_json(w) for w in found]} for name, found in waivers.environments
        ],
        "rejected": [
            {"type": r.type, "id": r.id, "file": r.file, "code": r.code, "message": r.message} for r in waivers.rejected
        ],
        "notes": notes,
    }
