"""The files of a folder of lint rules. Nothing that lies there is passed by in silence."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bspec_opa.authoring.lint.reasons import RULES_INVALID
from bspec_opa.foundation.errors import Location, error_of
from bspec_opa.foundation.files import is_directory, read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bspec_opa.foundation.errors import Problem

_TEST = "_test.rego"


def is_rule_test(name: str) -> bool:
    """Whether a file tests lint rules, or helps those that do."""
    return name.endswith(_TEST)


def read_rule_files(place: Path) -> dict[str, bytes]:
    """Rules, helpers and tests of a folder, by their path below it, sorted.

    Markdown, and what is hidden and no Rego, may lie beside them: nobody takes that for a rule.

    Raises:
        InvalidInputError: it is no folder, can't be read, holds no lint rule, or anything else: a link, data.
    """
    if not is_directory(place):
        raise RULES_INVALID.error("is no folder of lint rules", hint="name a folder", at=Location(str(place)))
    names: list[str] = []
    problems: list[Problem] = []
    for name, problem in _walk(place, ""):
        if problem is None:
            names.append(name)
        else:
            problems.append(problem)
    if problems:
        raise error_of(problems)
    if all(map(is_rule_test, names)):
        hint = "write <category>/<name>.rego with package bspec.lint.<category>.<name>"
        raise RULES_INVALID.error("holds no lint rule", hint=hint, at=Location(str(place)))
    return {n: read_bounded(place / n, MAX_DOCUMENT_BYTES) for n in sorted(names)}


def _walk(folder: Path, prefix: str) -> Iterator[tuple[str, Problem | None]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda e: e.name)
    except OSError as e:
        raise RULES_INVALID.error(f"can't be read: {e.strerror}", at=Location(str(folder))) from e
    for entry in entries:
        name, at = prefix + entry.name, Location(entry.path)
        if entry.is_symlink():
            hint = "put the file or folder itself there, or give --rules again for another folder"
            yield name, RULES_INVALID.problem("is a link, which is not followed", hint=hint, at=at)
        elif entry.is_dir():
            yield from _walk(folder / entry.name, f"{name}/")
        elif name.endswith(".rego"):
            yield name, None
        elif not name.endswith(".md") and not any(part.startswith(".") for part in name.split("/")):
            hint = "lint rules are .rego files; they see the policies, and no data of their own"
            yield name, RULES_INVALID.problem("is no lint rule", hint=hint, at=at)
