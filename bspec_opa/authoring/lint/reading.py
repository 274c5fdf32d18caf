"""Reads a policies folder as far as it can be read: what is wrong with one file hides nothing of the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bspec_opa.bundle.build.composition import WHOLE, composed
from bspec_opa.bundle.rego.sources import Sources, is_rule, no_rules, survey, write_tree
from bspec_opa.bundle.rego.syntax import parse_each
from bspec_opa.bundle.rego.type_check import ALL
from bspec_opa.bundle.rego.visible import hidden_problems
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.bundle.build.composition import Foundation
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.bundle.rego.syntax import Module
    from bspec_opa.foundation.errors import Problem


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a policies folder that could be read.

    Attributes:
        sources: their bytes.
        problems: what is wrong with the others, and whether there is a rule at all.
    """

    sources: Sources
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """The same, parsed.

    Attributes:
        sources: the bytes that were read.
        modules: what could be parsed.
        problems: what could not be read or parsed, one for each error.
        unread: the packages, with ``data``, of files that can't be parsed or have another package than their folder.
    """

    sources: Sources
    modules: tuple[Module, ...]
    problems: tuple[Problem, ...]
    unread: frozenset[tuple[str, ...]]


def read_files(policies: Path, foundation: Foundation = WHOLE) -> Files:
    """What lies below a policies folder, and what a pack borrows from its base.

    Raises:
        InvalidInputError: the folder itself can't be read, or holds too many files; nobody owns the pack.
        TrustError: the base has another revision than the pack is pinned to.
    """
    names, problems = survey(policies)
    files: dict[str, bytes] = {}
    for name in names:
        try:
            files[name] = read_bounded(policies / name, MAX_DOCUMENT_BYTES)
        except BspecError as e:
            problems += [p.reason.problem(p.message, hint=p.hint, at=Location(name)) for p in e.problems]
    problems += hidden_problems(Sources(files).rego)
    if not any(is_rule(n) for n in names):
        empty = no_rules(policies)
        return Files(Sources(files), (*problems, replace(empty, location=None)))
    sources, refused = composed(Sources(files), foundation, policies)
    return Files(sources, (*problems, *refused))


def parse(files: Files, work: Path, opa: Opa) -> Reading:
    """Parse every Rego file; ``work`` is a private folder that keeps what OPA was shown."""
    write_tree(work / ALL, files.sources.files)
    modules, refused = parse_each(work / ALL, files.sources.rego, opa)
    for name in refused:
        (work / ALL / name).unlink()
    unread = {package_of(name) for name in refused}
    unread |= {package_of(m.name) for m in modules if ("data", *m.package) != package_of(m.name)}
    problems = [*files.problems, *(p for e in refused.values() for p in e.problems)]
    return Reading(files.sources, modules, tuple(problems), frozenset(unread))


def package_of(name: str) -> tuple[str, ...]:
    """The package, with ``data``, that the layout gives a file."""
    *folders, last = name.split("/")
    if last.endswith("_test.rego") and folders:
        folders[-1] += "_test"
    return ("data", *folders)
