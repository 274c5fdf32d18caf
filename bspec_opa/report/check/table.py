"""A check as a table, as conftest draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from bspec_opa.foundation.errors import Location
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.folding import fold
from bspec_opa.report.writing.printable import printable
from bspec_opa.workflow.facts.checked import PASS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.report.check.interface import Manner, Tally
    from bspec_opa.workflow.facts.checked import Checked, Found

_HEAD = ("RESULT", "PLACE", "RULE", "MESSAGE")
_MESSAGE = 48
"""Columns of a message."""
Row = tuple[str, str, str, str]


class TableReport:
    """``--format table``; its columns are as wide as what is in them, so it comes at the end."""

    apart: ClassVar[bool] = False

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self._rows: list[Row] = []

    def one(self, checked: Checked) -> str:
        """Nothing yet."""
        self._rows += [(a, printable(b), printable(c), printable(d)) for a, b, c, d in self._rows_of(checked)]
        return ""

    def end(self, tally: Tally) -> str:
        """The table and the sum."""
        shown = [part for row in self._rows for part in _parts(row)]
        widths = [max(len(row[i]) for row in (_HEAD, *shown)) for i in range(len(_HEAD))]
        rule = "+" + "+".join("-" * (w + 2) for w in widths) + "+"
        rows = [_line(row, widths) for row in shown]
        return "\n".join([rule, _line(_HEAD, widths), rule, *rows, *([rule] if rows else []), tally.line()]) + "\n"

    def _rows_of(self, checked: Checked) -> Iterator[Row]:
        for problem in checked.problems:
            place = str(problem.location) if problem.location else checked.file
            yield "error", place, problem.reason.code, problem.message
        for rule in checked.rules:
            for word, findings in (("denied", rule.denied), ("warning", rule.warned)):
                for found in findings:
                    yield word, _place(found), rule.id, found.message
            if rule.lifted:
                yield "excepted", checked.file, rule.id, ""
        passed = checked.having(PASS)
        if self._manner.show_passed:
            for rule in passed:
                yield "passed", checked.file, rule.id, ""
        elif passed:
            yield "passed", checked.file, count(len(passed), "rule"), ""


def _place(found: Found) -> str:
    spot = found.spot
    return str(Location(spot.file, spot.line or None, spot.column or None))


def _parts(row: Row) -> list[Row]:
    """A row in as many lines as its message takes."""
    first, *more = fold("", row[3], 0, width=_MESSAGE)
    return [(row[0], row[1], row[2], first), *(("", "", "", text) for text in more)]


def _line(row: Row, widths: list[int]) -> str:
    return "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) + " |"
