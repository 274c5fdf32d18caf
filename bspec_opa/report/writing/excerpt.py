"""The source line of a finding, with a caret under what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.errors import Location
from bspec_opa.report.writing.folding import WIDTH, fold
from bspec_opa.report.writing.printable import printable
from bspec_opa.workflow.explain.values import inside
from bspec_opa.workflow.facts.spot import WIDTH as SPOT_WIDTH
from bspec_opa.workflow.facts.spot import lasting_path, spot_of

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonValue
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.workflow.facts.spot import Spot


def excerpt(document: Document, pointer: str, remedy: str, indent: str) -> list[str]:
    """Place, source line, and carets followed by the remedy; of a long line the part around the place."""
    return excerpt_of(spot_of(document, pointer), remedy, indent)


def excerpt_of(spot: Spot, remedy: str, indent: str) -> list[str]:
    """The same of a place that was looked up before."""
    ahead = spot.column - 1 - spot.start
    more = "…" if spot.start else ""
    before = more + _shown(spot.shown[:ahead])
    margin = f"{indent}{' ' * len(str(spot.line))} | "
    length = min(spot.length, SPOT_WIDTH - ahead)
    source, at, length = _around(more + _shown(spot.shown), len(before), length, WIDTH - len(margin))
    marked = f"{margin}{' ' * at}{'^' * length}"
    return [
        indent + printable(str(Location(spot.file, spot.line, spot.column))),
        f"{indent}{spot.line} | {source}",
        *_with_remedy(marked, indent, remedy),
    ]


def recorded_excerpt(intent: JsonValue, pointer: str, line: str, remedy: str, indent: str) -> list[str]:
    """The same of a recorded intent, which no file has: the path and what stands there, whose it is, the remedy.

    Args:
        intent: the recorded intent.
        pointer: the place, as a JSON Pointer; empty for the whole of it.
        line: what people call the line that records it.
        remedy: printable.
        indent: in front of every line.
    """
    value = inside(intent, pointer)
    named = lasting_path(intent, pointer)
    called = f"  ({named.removeprefix('/')})" if named != pointer else ""
    told = value is not None and not isinstance(value, dict | list)
    said = f" = {canonical_bytes(value).decode()}" if told else ""
    whose = f"of the intent that line {line} recorded"
    where = f"{pointer or '/'}{said}{called}"
    room = WIDTH - len(indent)
    return [indent + printable(part) for part in (where if len(where) <= room else f"{where[: room - 1]}…", whose)] + (
        fold(indent, remedy, len(indent)) if remedy else []
    )


def _around(line: str, at: int, length: int, room: int) -> tuple[str, int, int]:
    """The part of a line that fits, where the place is in it, and how much of the place."""
    if len(line) <= room:
        return line, at, length
    begin = max(0, at - room // 3) if at + min(length, room // 2) >= room else 0
    part = ("…" if begin else "") + line[begin + bool(begin) : begin + room]
    part = part if begin + room >= len(line) else part[:-1] + "…"
    return part, at - begin, min(length, room - (at - begin))


def _with_remedy(marked: str, indent: str, remedy: str) -> list[str]:
    """The remedy behind the carets, or below them where it would run over the edge."""
    line = f"{marked} {remedy}".rstrip()
    return [line] if len(line) <= WIDTH else [marked, *fold(indent, remedy, len(indent))]


def _shown(text: str) -> str:
    """Tabs as spaces, so that carets stand where they should, and nothing that steers a terminal."""
    return printable(text.replace("\t", "    "))
