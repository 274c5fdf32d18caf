"""A lint for people: each finding with its source line, what was mended, and a sum."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.authoring.lint.model import ERROR
from bspec_opa.report.lint.interface import LintTally, spot_of_finding
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.excerpt import excerpt_of
from bspec_opa.report.writing.folding import fold
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.authoring.lint.model import Finding
    from bspec_opa.report.check.interface import Manner
    from bspec_opa.workflow.authors.linting import Linted

_WIDTH = 9
_INDENT = " " * _WIDTH


def lint_text(linted: Linted, manner: Manner, *, diff: bool) -> str:
    """The whole text."""
    lines = [*_mended(linted, manner, diff=diff)]
    for finding in linted.result.findings:
        lines += [*_finding(linted, finding, manner), ""]
    lines += [line for note in linted.result.notes for line in fold("note     ", note, _WIDTH)]
    fixable = sum(f.rule.fixable for f in linted.result.findings)
    if fixable and linted.mended is None:
        lines.append(f"note     policy lint --fix mends what is mechanical, here up to {count(fixable, 'finding')}")
    tally = LintTally(linted.result, manner)
    counts = tally.counts
    colour = "red" if counts["errors"] else "yellow" if counts["warnings"] else "green"
    return "".join(f"{line}\n" for line in [*lines, manner.style.mark(tally.line(), colour)])


def _finding(linted: Linted, finding: Finding, manner: Manner) -> Iterator[str]:
    severity = finding.rule.severity
    label = manner.style.mark(f"{severity:<{_WIDTH}}", "red" if severity == ERROR else "yellow")
    yield from fold(f"{label}{printable(finding.rule.id)}  ", printable(finding.message), _WIDTH)
    spot = spot_of_finding(linted.folder, finding, linted.result)
    if spot.line:
        yield from excerpt_of(spot, printable(finding.hint), _INDENT)
    else:
        yield _INDENT + printable(spot.file)
        if finding.hint:
            yield from fold(_INDENT, printable(finding.hint), _WIDTH)


def _mended(linted: Linted, manner: Manner, *, diff: bool) -> Iterator[str]:
    mended = linted.mended
    if mended is None:
        return
    for finding in mended.gone:
        label = manner.style.mark(f"{'mended' if linted.written else 'would':<{_WIDTH}}", "green")
        yield f"{label}{printable(finding.rule.id)}  {printable(f'{linted.folder / finding.file}:{finding.line}')}"
    if diff or not linted.written:
        for name in mended.after:
            yield from map(printable, _diff(linted, name))
    files = count(len(mended.after), "file")
    number = count(len(mended.gone), "finding")
    yield f"{number} mended in {files}" if linted.written else f"would mend {number} in {files}; nothing was written"
    yield ""


def _diff(linted: Linted, name: str) -> Iterator[str]:
    """As ``diff -u`` writes it."""
    import difflib

    assert linted.mended is not None  # noqa: S101 - asked by _mended only
    old, new = (d[name].decode("utf-8", "replace").split("\n") for d in (linted.mended.before, linted.mended.after))
    path = (linted.folder / name).as_posix().lstrip("/")
    for line in difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm=""):
        yield line.replace("\t", "    ")
