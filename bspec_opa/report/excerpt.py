"""The source line of a finding, with a caret under what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location
from bspec_opa.report.printable import printable
from bspec_opa.workflow.facts.spot import WIDTH, spot_of

if TYPE_CHECKING:
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
    carets = "^" * min(spot.length, WIDTH - ahead)
    margin = " " * len(str(spot.line))
    return [
        indent + printable(str(Location(spot.file, spot.line, spot.column))),
        f"{indent}{spot.line} | {more}{_shown(spot.shown)}",
        f"{indent}{margin} | {' ' * len(before)}{carets} {remedy}".rstrip(),
    ]


def _shown(text: str) -> str:
    """Tabs as spaces, so that carets stand where they should, and nothing that steers a terminal."""
    return printable(text.replace("\t", "    "))
