"""The files of a policies folder, each read once: what is checked, hashed, compiled and packed is the same bytes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bspec_opa.bundle.layout import BUILD_DATA, ORGANISATION_DATA, RULES
from bspec_opa.bundle.reasons import LAYOUT, NO_RULES
from bspec_opa.foundation.errors import Location, error_of
from bspec_opa.foundation.files import is_directory, make_directory, read_bounded
from bspec_opa.foundation.limits import MAX_BUNDLE_FILES, MAX_DOCUMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bspec_opa.foundation.errors import Problem

TESTING = "bspec/testing/"
ANNOTATED = "bspec/bspec.rego"
_PART = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
_FILE = re.compile(r"[a-z][a-z0-9_]*\.rego\Z")


@dataclass(frozen=True, slots=True)
class Sources:
    """The files, by their path below the policies folder, sorted.

    Attributes:
        files: all of them: the author's, and what a composition borrows.
        owners: file to who owns it; see :func:`~bspec_opa.bundle.build.composition.compose`.
        borrowed: the files that are not the author's: the base's, and this program's fixtures.
    """

    files: Mapping[str, bytes]
    owners: Mapping[str, str] = field(default_factory=dict)
    borrowed: frozenset[str] = frozenset()

    @property
    def own(self) -> dict[str, bytes]:
        """The author's own files."""
        return {n: d for n, d in self.files.items() if n not in self.borrowed}

    @property
    def rego(self) -> dict[str, bytes]:
        """Every Rego file, tests included."""
        return {n: d for n, d in self.files.items() if n.endswith(".rego")}

    @property
    def packed(self) -> dict[str, bytes]:
        """The Rego files that go into a bundle: no tests, no fixtures."""
        return {n: d for n, d in self.rego.items() if not is_test(n)}


def is_test(name: str) -> bool:
    """Whether a file is a test or a fixture, which no bundle holds."""
    return name.endswith("_test.rego") or name.startswith(TESTING)


def is_rule(name: str) -> bool:
    """Whether a file is a rule's code."""
    return name.startswith(RULES) and not is_test(name)


def optional_sources(policies: Path) -> dict[str, bytes]:
    """The files of a policies folder that may still be empty, or not be there.

    Raises:
        InvalidInputError: a file of another kind or name, a link, or too much.
    """
    return _read(policies) if is_directory(policies) else {}


def read_sources(policies: Path) -> Sources:
    """All files below a policies folder.

    Raises:
        InvalidInputError: a file of another kind or name, a link, too much, or not a single rule (attack A41).
    """
    files = _read(policies)
    if not any(is_rule(n) for n in files):
        raise error_of([no_rules(policies)])
    return Sources(files)


def _read(policies: Path) -> dict[str, bytes]:
    names, problems = survey(policies)
    if problems:
        raise error_of(problems)
    return {n: read_bounded(policies / n, MAX_DOCUMENT_BYTES) for n in names}


def survey(policies: Path) -> tuple[list[str], list[Problem]]:
    """The names of the files that lie where they belong, sorted, and what is wrong with the others.

    Raises:
        InvalidInputError: a folder can't be read, or there are too many files.
    """
    names = sorted(_walk(policies, ""))
    if len(names) > MAX_BUNDLE_FILES:
        raise LAYOUT.error(f"more than {MAX_BUNDLE_FILES} files", at=Location(str(policies)))
    wrong = {n: p for n in names if (p := _misplaced(n)) is not None}
    return [n for n in names if n not in wrong], [*wrong.values()]


def no_rules(policies: Path) -> Problem:
    """Why a folder without any rule is refused."""
    hint, at = "name the folder that holds bspec/rules", Location(str(policies))
    return NO_RULES.problem("holds no rule", hint=hint, at=at, rule="layout/no-rules")


def _walk(folder: Path, prefix: str) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(folder), key=lambda e: e.name)
    except OSError as e:
        hint = "name the folder that holds bspec/rules; bspec-opa policy new writes a first rule"
        raise NO_RULES.error(f"can't be read: {e.strerror}", hint=hint, at=Location(str(folder))) from e
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / entry.name, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name


def _misplaced(name: str) -> Problem | None:
    at = Location(name)
    *folders, last = name.split("/")
    if name in {ORGANISATION_DATA, BUILD_DATA}:
        return None
    if last == "data.json":
        hint = f"data of an organisation is at {ORGANISATION_DATA}; anywhere else it could hide a rule"
        return LAYOUT.problem("data at a place where no data belongs", hint=hint, at=at, rule="layout/misplaced-data")
    if not _FILE.match(last):
        hint = "only .rego files with lower-case names, and data.json"
        return LAYOUT.problem("not a policy file", hint=hint, at=at, rule="layout/not-a-policy-file")
    if folders[:1] != ["bspec"] or not all(_PART.match(f) for f in folders):
        hint = "folders are lower-case letters, digits, _ and -, below bspec/"
        return LAYOUT.problem(
            "outside bspec/, or a folder with a strange name", hint=hint, at=at, rule="layout/outside-root"
        )
    return None


def write_tree(root: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a new private folder, for OPA to read."""
    for name, data in files.items():
        path = root / name
        make_directory(path.parent)
        path.write_bytes(data)
