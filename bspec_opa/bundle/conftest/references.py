"""Data that a policy reads and nobody has: OPA calls it undefined, and the rule is quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.bundle.conftest.reasons import UNKNOWN_DATA
from bspec_opa.bundle.rego.syntax import rule_name, static_path, walk
from bspec_opa.foundation.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bspec_opa.bundle.rego.syntax import Module, Node
    from bspec_opa.foundation.errors import Location, Problem

Path = tuple[str, ...]
GIVEN: tuple[Path, ...] = (("conftest",), ("conftest", "file"))
"""What conftest itself provides: the name and the directory of the file."""


def data_read(modules: Sequence[Module]) -> dict[Path, Location]:
    """The constant paths below ``data`` that no policy defines, and where the first reader of each stands."""
    rules: dict[Path, set[str]] = {}
    for module in modules:
        rules.setdefault(module.package, set()).update(rule_name(r) for r in module.rules)
    found: dict[Path, Location] = {}
    for module in modules:
        for path, node in _references(module):
            if not _is_defined(path, rules):
                found.setdefault(path, module.at(node))
    return found


def missing(read: Mapping[Path, Location], there: set[Path], modules: Sequence[Module]) -> list[Problem]:
    """A problem for each path that the data does not have either."""
    names = {_shown((*m.package, rule_name(r))) for m in modules for r in m.rules}
    problems: list[Problem] = []
    for path in sorted(read.keys() - there):
        near = nearest(_shown(path), names)
        hint = f'did you mean "{near}"?' if near else UNKNOWN_DATA.remedy
        message = f"{_shown(path)} is neither defined by a policy nor data"
        problems.append(UNKNOWN_DATA.problem(message, hint=hint, at=read[path]))
    return problems


def _shown(path: Path) -> str:
    return ".".join(("data", *path))


def _references(module: Module) -> Iterator[tuple[Path, Node]]:
    known = {"data": (), **_imported(module)}
    for rule in module.rules:
        for node in walk(rule):
            if node.get("type") != "ref":
                continue
            head, *rest = static_path(node) or ("",)
            if head in known and (known[head] or rest):
                yield (*known[head], *rest), node


def _imported(module: Module) -> dict[str, Path]:
    """The names under which a file knows something below ``data``."""
    found: dict[str, Path] = {}
    for node in module.imports:
        path = static_path(node["path"])
        if path[:1] == ("data",) and len(path) > 1:
            found[str(node.get("alias") or path[-1])] = path[1:]
    return found


def _is_defined(path: Path, rules: Mapping[Path, set[str]]) -> bool:
    """Whether policies, or conftest itself, define what a path leads to, or something below or above it."""
    if any(package[: len(path)] == path for package in rules) or path[:2] in GIVEN:
        return True
    return any(path[: len(package)] == package and path[len(package)] in names for package, names in rules.items())
