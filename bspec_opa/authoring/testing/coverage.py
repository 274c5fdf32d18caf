"""OPA's coverage, of the author's own rules and libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from bspec_opa.authoring.testing.model import FileCoverage

if TYPE_CHECKING:
    from collections.abc import Mapping


def file_coverage(report: Mapping[str, Any], sources: Mapping[str, bytes]) -> tuple[FileCoverage, ...]:
    """The coverage of each file that a bundle would hold.

    Args:
        report: what ``opa test --coverage --format json`` prints.
        sources: the author's files by the names that OPA was given. A file that the report lacks counts as missed.
    """
    files = cast("Mapping[str, Any]", report.get("files", {}))
    return tuple(_one(name, files.get(name), sources[name]) for name in sorted(sources))


def _one(name: str, found: Mapping[str, Any] | None, source: bytes) -> FileCoverage:
    lines = source.decode("utf-8", "replace").splitlines()
    if found is None:
        code = [n for n, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith(("#", "package"))]
        return FileCoverage(name, len(code), _excerpt(code, lines))
    missed = _rows(found.get("not_covered"))
    return FileCoverage(name, len(missed | _rows(found.get("covered"))), _excerpt(sorted(missed), lines))


def _rows(ranges: Any) -> set[int]:
    return {row for r in ranges or [] for row in range(r["start"]["row"], r["end"]["row"] + 1)}


def _excerpt(rows: list[int], lines: list[str]) -> tuple[tuple[int, str], ...]:
    return tuple((row, lines[row - 1] if row <= len(lines) else "") for row in rows)
