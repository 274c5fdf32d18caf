"""Where a checkout begins: what lies in it was written by whoever may propose a change, and is never run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKERS = (".git", ".hg", ".svn", "bspec-opa.toml")


def checkout_around(directory: Path, home: str) -> Path | None:
    """The outermost directory around (or at) this one that looks like a checkout's, else the directory itself.

    Args:
        directory: of what is judged.
        home: the user's home; a directory that holds all of it is nobody's checkout, and there is none then.
    """
    found = None
    real = os.path.realpath(directory)
    for candidate in _upwards(real):
        if any(os.path.lexists(f"{candidate}{os.sep}{marker}") for marker in MARKERS):
            found = candidate
    if found is None and not (home and lies_in(Path(home), Path(real))) and real != Path(real).anchor:
        found = real
    return None if found is None else Path(found)


def _upwards(real: str) -> Iterator[str]:
    """A real path and those above it; as text, because ``Path`` would take most of a batch's time for this."""
    yield real
    while above := real.rpartition(os.sep)[0]:
        yield above
        real = above
    yield os.sep


def lies_in(path: Path, directory: Path) -> bool:
    """Whether a path leads into a directory, links and ``..`` followed."""
    inner, outer = os.path.realpath(path), os.path.realpath(directory)
    return inner == outer or inner.startswith(outer.rstrip(os.sep) + os.sep)
