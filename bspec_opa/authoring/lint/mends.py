"""Mechanical mends: what a finding asks for, done to the text of its file. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bspec_opa.authoring.lint.reading import package_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bspec_opa.authoring.lint.model import Finding

_PACKAGE = re.compile(r"package\s+\S+")
_MARK = re.compile(r"#\s*metadata\s*:?\s*\Z", re.IGNORECASE)
FORMAT = "format/opa-fmt"
"""Mended by OPA itself."""


def mended(text: str, findings: Iterable[Finding]) -> str:
    """A file's text with every mend that its findings ask for, from the last line up, so that places stay right."""
    lines = text.split("\n")
    for finding in sorted(findings, key=lambda f: -f.line):
        mend = MENDS.get(finding.rule.id)
        if mend is not None and 0 < finding.line <= len(lines):
            mend(lines, finding)
    return "\n".join(lines)


def _name_package(lines: list[str], finding: Finding) -> None:
    """The package that the layout gives the file."""
    row = finding.line - 1
    wanted = ".".join(package_of(finding.file)[1:])
    lines[row] = _PACKAGE.sub(f"package {wanted}", lines[row], count=1)


def _write_mark(lines: list[str], finding: Finding) -> None:
    """The mark of METADATA as OPA knows it, in the comment above the package."""
    row = finding.line - 2
    while row >= 0 and lines[row].lstrip().startswith("#"):
        if _MARK.match(lines[row].strip()):
            lines[row] = "# METADATA"
            return
        row -= 1


def _close_gap(lines: list[str], finding: Finding) -> None:
    """METADATA without the blank lines that end it."""
    row = finding.line - 1
    while row > 0 and not lines[row - 1].strip():
        del lines[row - 1]
        row -= 1


def _remove_import(lines: list[str], finding: Finding) -> None:
    """The file without the import, nor the blank line that it leaves."""
    row = finding.line - 1
    if not lines[row].startswith("import "):
        return
    del lines[row]
    if 0 < row < len(lines) and not lines[row].strip() and not lines[row - 1].strip():
        del lines[row]


MENDS: dict[str, Callable[[list[str], Finding], None]] = {
    "layout/package-not-folder": _name_package,
    "metadata/missing": _write_mark,
    "metadata/ignored-lines": _close_gap,
    "import/unused": _remove_import,
}
"""Rule to what mends it in the lines of a file."""
