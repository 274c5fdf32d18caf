"""Moving aside what nobody can answer for, so that it can be looked at; it is never signed."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.foundation.files import write_new
from bspec_opa.ledger.file.handle import system_errors, truncate
from bspec_opa.ledger.file.lines import lines_from
from bspec_opa.ledger.log import walk

if TYPE_CHECKING:
    from bspec_opa.ledger.file.view import Open

_MANY = 1000


def covered_length(log: Open) -> int:
    """How many bytes of the log the checkpoint covers; every entry is verified.

    Raises:
        TrustError: what it covers doesn't verify, or there are lines and no checkpoint.
    """
    lines = lines_from(log.descriptor)
    covered = islice(lines, log.checkpoint.size) if log.checkpoint else lines
    length = 0
    for row in walk(covered, log.checkpoint, log.name, log.nodes.leaves):
        length = row.end
    return length


def move_lines(log: Open, length: int, directory: Path) -> Path:
    """Move what comes after so many bytes into a file of its own."""
    aside = _free(directory, f"tail-{log.checkpoint.size if log.checkpoint else 0}", ".jsonl")
    write_new(aside, b"".join(lines_from(log.descriptor, length)))
    with system_errors(Path(log.name)):
        truncate(log.descriptor, length)
    return aside


def move_file(path: Path) -> Path:
    """Give a file another name beside its own."""
    aside = _free(path.parent, f"{path.name}-aside", "")
    with system_errors(path):
        path.rename(aside)
    return aside


def _free(directory: Path, stem: str, suffix: str) -> Path:
    names = (f"{stem}{more}{suffix}" for more in ("", *(f"-{i}" for i in range(2, _MANY))))
    return next(p for n in names if not os.path.lexists(p := directory / n))
