"""``behavior.lock``: one append-only file an agent, each line bound to those before it.

The file is a copy for people and for deployments; what is current is for the ledger to say. So a file that lacks
lines is completed from the ledger, and a line that the ledger doesn't have is refused (attack A48).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import ZERO_DIGEST, Digest
from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.files import read_bounded, write_atomic
from bspec_opa.foundation.limits import LEDGER_LOCK_TIMEOUT_S, MAX_LEDGER_BYTES, MAX_RECORD_BYTES
from bspec_opa.foundation.locking import lock_descriptor
from bspec_opa.foundation.reasons import UNWRITABLE
from bspec_opa.lock.line import ROLLBACK, LockLine, parse_line
from bspec_opa.lock.reasons import BAD_LINE, BROKEN_CHAIN, BUSY, CHANGED, NOT_IN_LEDGER, RESTORE, WRONG_SOURCE
from bspec_opa.trust.predicates import GENESIS, MISSING_SOURCE, NO_SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

MAX_LOCK_BYTES = MAX_LEDGER_BYTES


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next line of an agent stands.

    Attributes:
        seq: its number, from 0.
        previous: digest of the line before it, or zeros.
        base: digest of the environment's current line, or ``genesis``.
    """

    seq: int
    previous: Digest
    base: str


def read_lock(data: bytes, name: str) -> tuple[LockLine, ...]:
    """All lines of a lock file, checked against each other. No signature is verified.

    Args:
        data: the file; empty is a lock without lines.
        name: what errors call it; they add the line's number.

    Raises:
        TrustError: a line is not of the form, or doesn't follow those before it; the line is named.
    """
    *lines, rest = data.split(b"\n")
    if rest:
        raise BAD_LINE.error(
            "does not end with a line break: it is cut off", hint=RESTORE, at=_at(name, len(lines) + 1)
        )
    return check_chain((line + b"\n" for line in lines), name)


def check_chain(records: Iterable[bytes], name: str) -> tuple[LockLine, ...]:
    """Lines of one agent in order, such as the ledger has them, checked like :func:`read_lock`."""
    chain = _Chain()
    for number, record in enumerate(records, 1):
        at = _at(name, number)
        if len(record) > MAX_RECORD_BYTES:
            raise BAD_LINE.error(f"is larger than {MAX_RECORD_BYTES} bytes", at=at)
        chain.add(parse_line(record, at.file), at)
    return tuple(chain.lines.values())


def _at(name: str, number: int) -> Location:
    return Location(f"{name} line {number}")


class _Chain:
    """Lines that were checked, by digest and in order, and the current one of each environment."""

    def __init__(self) -> None:
        self.lines: dict[str, LockLine] = {}
        self._heads: dict[str, LockLine] = {}
        self._last: LockLine | None = None

    def add(self, line: LockLine, at: Location) -> None:
        self._check_place(line, at)
        self._check_carried(line, at)
        self.lines[line.digest] = self._heads[line.environment] = self._last = line

    def _check_place(self, line: LockLine, at: Location) -> None:
        head, last = self._heads.get(line.environment), self._last
        if line.seq != len(self.lines):
            raise BROKEN_CHAIN.error(
                f"has the number {line.seq} instead of {len(self.lines)}",
                hint=f"lines were removed, added or moved: {RESTORE}",
                at=at,
            )
        if line.previous != (last.digest if last else ZERO_DIGEST):
            hint = f"a line before it was changed: {RESTORE}"
            raise BROKEN_CHAIN.error("does not name the line before it", hint=hint, at=at)
        if last and line.agent != last.agent:
            message = f"is of the agent {line.agent}, those before it of {last.agent}"
            raise BROKEN_CHAIN.error(message, hint=RESTORE, at=at)
        if line.base != (head.digest if head else GENESIS):
            message = f"replaces a line that was not current in {line.environment}"
            raise BROKEN_CHAIN.error(message, hint=RESTORE, at=at)

    def _check_carried(self, line: LockLine, at: Location) -> None:
        """A promotion onward has the byte-identical binding of its source, a rollback that of its target."""
        if line.source == MISSING_SOURCE:
            raise WRONG_SOURCE.error("was promoted without a line in the source environment", at=at)
        if line.kind == ROLLBACK:
            target = self.lines.get(str(line.predicate["target_line"]))
            if target is None or target.environment != line.environment:
                raise WRONG_SOURCE.error(f"goes back to a line that {line.environment} never had", at=at)
            if line.source != target.digest or line.intent_digest != target.intent_digest:
                raise WRONG_SOURCE.error("has another source or intent than the line that it goes back to", at=at)
            _require_binding(line, target, at)
        elif line.source != NO_SOURCE:
            source = self.lines.get(line.source)
            if source is None or source.environment == line.environment:
                raise WRONG_SOURCE.error("names a source that is no earlier line of another environment", at=at)
            if self._heads[source.environment] != source:
                raise WRONG_SOURCE.error(f"names a source that was not current in {source.environment}", at=at)
            _require_binding(line, source, at)


def _require_binding(line: LockLine, carried: LockLine, at: Location) -> None:
    if canonical_bytes(line.binding) != canonical_bytes(carried.binding):
        raise WRONG_SOURCE.error(f"has another binding than line {carried.seq + 1}, which it names", at=at)


def head_of(lines: Iterable[LockLine], agent: str, environment: str) -> LockLine | None:
    """The current line of an agent in an environment: its last one there.

    Args:
        lines: in the order of the ledger.
        agent: whose.
        environment: where.
    """
    found = None
    for line in lines:
        if (line.agent, line.environment) == (agent, environment):
            found = line
    return found


def next_place(lines: Sequence[LockLine], environment: str) -> Place:
    """Where the next line of an agent stands.

    Args:
        lines: all of the agent's lines, in the order of the ledger.
        environment: of the next line.
    """
    head = head_of(lines, lines[0].agent, environment) if lines else None
    previous = lines[-1].digest if lines else ZERO_DIGEST
    return Place(len(lines), previous, head.digest if head else GENESIS)


def missing_lines(lock: Sequence[LockLine], ledger: Sequence[LockLine], name: str) -> tuple[LockLine, ...]:
    """What a lock file lacks of its agent's lines in the ledger; bytes to copy, nothing to sign.

    Args:
        lock: the file's lines.
        ledger: the agent's lines in the order of the ledger.
        name: what errors call the file.

    Raises:
        TrustError: the file has a line that the ledger doesn't have at that place.
    """
    for number, line in enumerate(lock, 1):
        if number > len(ledger) or ledger[number - 1].digest != line.digest:
            raise NOT_IN_LEDGER.error("the ledger does not have this line here", at=_at(name, number))
    return tuple(ledger[len(lock) :])


def load_lock(path: Path) -> bytes:
    """A lock file's bytes; none if there is no such file.

    Raises:
        InvalidInputError: unreadable, a link, or no regular file.
    """
    return read_bounded(path, MAX_LOCK_BYTES) if os.path.lexists(path) else b""


def append_lines(path: Path, read: bytes, lines: Iterable[LockLine], *, wait_s: float = LEDGER_LOCK_TIMEOUT_S) -> bytes:
    """Extend a lock file as a whole, durably, if it still is what was read.

    Args:
        path: ``behavior.lock``.
        read: what the caller read (:func:`load_lock`) and checked.
        lines: what follows.
        wait_s: how long to wait for other processes, in seconds.

    Returns:
        The new content.

    Raises:
        TrustError: the new lines don't follow.
        StoreError: the file was changed in the meantime, is busy or can't be written; it is as it was.
    """
    data = read + b"".join(line.record for line in lines)
    read_lock(data, path.name)
    at = Location(str(path))
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as e:
        raise UNWRITABLE.error(f"directory can't be opened: {e.strerror}", at=at) from e
    try:
        if not lock_descriptor(directory, exclusive=True, wait_s=wait_s):
            raise BUSY.error(f"another process holds it for more than {wait_s:g} s", at=at)
        if load_lock(path) != read:
            raise CHANGED.error("was changed by somebody else", hint="run it again", at=at)
        if data != read:
            write_atomic(path, data)
    finally:
        os.close(directory)
    return data
