"""Where a checkout begins: what lies in it was written by whoever may propose a change, and is never run."""

from __future__ import annotations

import os
from pathlib import Path

MARKERS = (".git", ".hg", ".svn", "bspec-opa.toml")


def checkout_around(directory: Path, home: str) -> Path | None:
    """The outermost directory around (or at) this one that looks like a checkout's, else the directory itself.

    Args:
        directory: of what is judged.
        home: the user's home; a directory that holds all of it is nobody's checkout, and there is none then.
    """
    found = None
    real = _real(directory)
    for candidate in (real, *real.parents):
        if any(os.path.lexists(candidate / marker) for marker in MARKERS):
            found = candidate
    if found is None and not (home and lies_in(Path(home), real)) and real != Path(real.anchor):
        found = real
    return found


def lies_in(path: Path, directory: Path) -> bool:
    """Whether a path leads into a directory, links and ``..`` followed."""
    return _real(path).is_relative_to(_real(directory))


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
