"""The source line of a finding, with a caret under what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.report.printable import printable

if TYPE_CHECKING:
    from bspec_opa.foundation.document.document import Document

_WIDTH = 100
_BEFORE = 40


def excerpt(document: Document, pointer: str, remedy: str, indent: str) -> list[str]:
    """Place, source line, and carets followed by the remedy; of a long line the part around the place."""
    at = document.locate(pointer)
    line, column = at.line or 1, at.column or 1
    source = document.line(line)
    start = column - 1 - _BEFORE if len(source) > _WIDTH and column > _WIDTH // 2 else 0
    shown = ("…" if start else "") + printable(source[start : start + _WIDTH])
    before = ("…" if start else "") + printable(source[start : column - 1])
    carets = "^" * min(document.span(pointer), _WIDTH - (column - 1 - start))
    margin = " " * len(str(line))
    return [
        indent + printable(str(at)),
        f"{indent}{line} | {shown}",
        f"{indent}{margin} | {' ' * len(before)}{carets} {remedy}".rstrip(),
    ]
