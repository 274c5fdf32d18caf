"""Reading a lock for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location
from bspec_opa.lock.chain import head_of, load_lock, read_lock
from bspec_opa.workflow.reasons import NO_LINE, NO_LOCK

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.lock.line import LockLine


def open_lock(path: Path) -> tuple[LockLine, ...]:
    """The lines of a lock; their form and chain are checked, no signature is.

    Raises:
        InvalidInputError: there is no such file, or it is empty.
        TrustError: it is no chain of lines.
    """
    lines = read_lock(load_lock(path), str(path))
    if not lines:
        raise NO_LOCK.error("there is no line here", hint="promote first, or name the lock", at=Location(str(path)))
    return lines


def last_line(path: Path, environment: str) -> LockLine:
    """The last line of an environment in a lock; that it is current is for the ledger to say.

    Raises:
        InvalidInputError: there is no such file or no such line.
        TrustError: it is no chain of lines.
    """
    lines = open_lock(path)
    found = head_of(lines, lines[0].agent, environment)
    if found is None:
        known = ", ".join(dict.fromkeys(line.environment for line in lines))
        message = f"there is no line for {environment[:80]}, only for {known}"
        raise NO_LINE.error(message, hint="name one of these, or promote to it", at=Location(str(path)))
    return found
