"""The intents that somebody means by files and directories."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import is_directory
from bspec_opa.foundation.reasons import UNREADABLE
from bspec_opa.workflow.checkout.project import INTENT_SUFFIX as SUFFIX
from bspec_opa.workflow.reasons import NO_INTENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def find_intents(named: Iterable[Path]) -> tuple[tuple[Path, BspecError | None], ...]:
    """The files that are named, and every ``*.intent`` below the directories that are, in the order of their paths.

    Hidden directories and links to directories are left out. What can't be looked into is there with its error, and
    so is a directory without an intent: nothing found is not nothing wrong. A file that is meant twice comes once.
    """
    found: dict[Path, BspecError | None] = {}
    for path in named:
        inside: list[tuple[Path, BspecError | None]]
        try:
            inside = list(_walk(path)) if is_directory(path) else [(path, None)]
        except BspecError as e:
            inside = [(path, e)]
        for file, error in inside or [(path, _nothing_in(path))]:
            found.setdefault(file, error)
    return tuple(found.items())


def _nothing_in(directory: Path) -> BspecError:
    message = f"there is no *{SUFFIX} below this directory"
    return NO_INTENT.error(message, hint="name another one", at=Location(str(directory)))


def _walk(directory: Path) -> Iterator[tuple[Path, BspecError | None]]:
    """Depth first, in the order of the names; without recursion, because a tree may be as deep as a path is long."""
    waiting: list[tuple[Path, bool]] = [(directory, True)]
    while waiting:
        path, is_open = waiting.pop()
        if not is_open:
            yield path, None
            continue
        try:
            waiting += reversed(_entries(path))
        except OSError as e:
            yield path, UNREADABLE.error(f"can't be looked into: {e.strerror}", at=Location(str(path)))


def _entries(directory: Path) -> list[tuple[Path, bool]]:
    """What matters in a directory, by name: intents, and the directories to look into."""
    found: list[tuple[Path, bool]] = []
    with os.scandir(directory) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("."):
                    found.append((directory / entry.name, True))
            elif entry.name.endswith(SUFFIX):
                found.append((directory / entry.name, False))
    return found
