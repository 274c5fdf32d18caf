"""A pack that was written or verified, for people and as ``bspec.pack/v1``; and the pages that lie in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import IDENTIFIER, TEXT, TIME, array, boolean, enum, integer, obj
from bspec_opa.foundation.times import format_time
from bspec_opa.intent.schema import PUBLISHED
from bspec_opa.report.audit.index_page import index_page
from bspec_opa.report.audit.lines import labelled, name_of, note_lines, rollback_lines, since_lines
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.printable import printable
from bspec_opa.report.writing.schema_parts import LINE, LINES, OPEN, OPTIONAL_DIGEST
from bspec_opa.trust.predicates import SCHEMAS as RECORDS
from bspec_opa.trust.predicates import WITH_BINDING
from bspec_opa.workflow.audit.pack import (
    INDEX,
    MANIFEST_SCHEMA,
    PACK_NAME,
    PROOF_NAME,
    PROOF_SCHEMA,
    SCHEMA_DIRECTORY,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.audit.examining import Examined, Record
    from bspec_opa.workflow.audit.packing import Pack

PACK: dict[str, JsonObject] = {
    "directory": LINE,
    "verified": boolean(),
    "files": integer(1),
    "bytes": integer(1),
    "domain": IDENTIFIER,
    "tree_size": integer(1),
    "until": TIME,
    "trust_root_version": integer(1),
    "agents": array(
        obj(
            agent=LINE,
            lines=array(
                obj(
                    number=integer(1),
                    entry=integer(),
                    environment=IDENTIFIER,
                    version=LINE,
                    at=TIME,
                    rules=integer(1),
                    current=boolean(),
                    target_line=OPTIONAL_DIGEST,
                    emergency=boolean(),
                    reviewed_by=LINES,
                    adopted=array(TEXT),
                    since=array(TEXT),
                )
            ),
            denials=array(obj(entry=integer(), environment=IDENTIFIER, at=TIME, verdict=enum("denied", "pending"))),
            void=array(obj(entry=integer(), why=TEXT)),
            withdrawn=array(obj(entry=integer(), what=LINE, environment=LINE, by=LINE, reason=TEXT)),
        )
    ),
    "notes": LINES,
}
SCHEMAS = {"bspec.pack/v1": ((0,), PACK)}


def pages(record: Record, examined: Sequence[Examined]) -> dict[str, bytes]:
    """The index for people, and the schemas of what lies in a pack."""
    published = {PACK_NAME: MANIFEST_SCHEMA, PROOF_NAME: PROOF_SCHEMA, **dict(_records())}
    return {
        INDEX: index_page(record, examined).encode(),
        f"{SCHEMA_DIRECTORY}/{PUBLISHED.name}": PUBLISHED.read_bytes(),
        **{f"{SCHEMA_DIRECTORY}/{_short(name)}.json": _published(name, s) for name, s in published.items()},
    }


def _records() -> Iterator[tuple[str, JsonObject]]:
    for name, schema in RECORDS.items():
        whole = dict(schema)
        if name in WITH_BINDING:
            properties, required = whole["properties"], whole["required"]
            assert isinstance(properties, dict)  # noqa: S101 - our own schemas
            assert isinstance(required, list)  # noqa: S101 - as above
            whole |= {"properties": properties | {"binding": OPEN}, "required": [*required, "binding"]}
        yield f"bspec.record-{name}/v1", whole


def _short(name: str) -> str:
    return name.removeprefix("bspec.").replace("/", ".")


def _published(name: str, schema: JsonObject) -> bytes:
    head: JsonObject = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:bspec-opa:schema:{_short(name)}",
        "title": name,
    }
    return (json.dumps(head | schema, indent=1) + "\n").encode()


def pack_text(pack: Pack, style: Style, *, verified: bool) -> str:
    """What is in it, and how new it is: a pack proves nothing about what came after."""
    word = style.mark("VERIFIED" if verified else "PACKED", "bold", "green")
    lines = [
        f"{word}  {printable(str(pack.directory))}   ({count(pack.files, 'file')})",
        *labelled("domain", f"{pack.domain}, trust root version {pack.root_version}"),
        *labelled("ledger", f"{count(pack.tree_size, 'entry', 'entries')} until {format_time(pack.until)}"),
    ]
    for agent in pack.agents:
        lines += ["", style.mark(printable(agent.agent), "bold")]
        lines += _agent(agent, style)
    return "\n".join([*lines, "", *note_lines(pack.notes)]).rstrip("\n") + "\n"


def _agent(agent: Examined, style: Style) -> Iterator[str]:
    for proven in agent.lines:
        line = proven.line
        current = "  current" if proven.current else ""
        where = f"{printable(proven.version)} → {line.environment}"
        yield f"  {name_of(line, style)}  {where}  {line.at}  entry {line.entry}{current}"
        yield from labelled("replayed", f"{count(proven.rules, 'rule')}, {line.assurance}; {line.change.verdict}")
        yield from rollback_lines(line)
        for adopted in line.adopted:
            yield from labelled("adopted", f"in {adopted.environment} since {adopted.at}")
        yield from since_lines(line)
    for denial in agent.denials:
        where = f"{printable(denial.version)} → {denial.environment}"
        yield f"  {denial.verdict}  {where}  {denial.at}  entry {denial.entry}"
    for void in agent.void:
        yield f"  void  entry {void.entry}"
        yield from labelled("because", printable(void.why))
    for w in agent.withdrawn:
        where = f" → {w.record.environment}" if w.record.environment else ""
        yield f"  {printable(w.what)}{where}  {format_time(w.at)}  entry {w.seq}"
        yield from labelled("because", printable(f"{w.record.principal}: {w.reason}"))
    if not (agent.lines or agent.denials or agent.void or agent.withdrawn):
        yield "  nothing was decided"


def pack_json(pack: Pack, *, verified: bool) -> JsonObject:
    """The same for machines."""
    notes: list[JsonValue] = [*pack.notes]
    return {
        "schema": "bspec.pack/v1",
        "exit_code": 0,
        "directory": str(pack.directory),
        "verified": verified,
        "files": pack.files,
        "bytes": pack.size,
        "domain": pack.domain,
        "tree_size": pack.tree_size,
        "until": format_time(pack.until),
        "trust_root_version": pack.root_version,
        "agents": [_agent_json(a) for a in pack.agents],
        "notes": notes,
    }


def _agent_json(agent: Examined) -> JsonObject:
    return {
        "agent": agent.agent,
        "lines": [
            {
                "number": p.line.number,
                "entry": p.line.entry,
                "environment": p.line.environment,
                "version": p.version,
                "at": p.line.at,
                "rules": p.rules,
                "current": p.current,
                "target_line": p.line.target,
                "emergency": p.line.emergency,
                "reviewed_by": [*sorted({r.principal for r in p.line.reviews})],
                "adopted": [f"in {a.environment} since {a.at}" for a in p.line.adopted],
                "since": [*p.line.said_since],
            }
            for p in agent.lines
        ],
        "denials": [
            {"entry": d.entry, "environment": d.environment, "at": d.at, "verdict": d.verdict} for d in agent.denials
        ],
        "void": [{"entry": v.entry, "why": v.why} for v in agent.void],
        "withdrawn": [
            {
                "entry": -1 if w.seq is None else w.seq,
                "what": w.what,
                "environment": w.record.environment or "",
                "by": w.record.principal,
                "reason": w.reason,
            }
            for w in agent.withdrawn
        ],
    }
