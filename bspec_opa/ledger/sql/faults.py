"""What a database's error means for who wanted to read or append. Pure."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError

_SERIALIZATION = frozenset({"40001", "40P01"})
_CONFLICT = frozenset({"23505"})
_WAITED = frozenset({"55P03", "57014", "25P03", "25P04"})
_MISSING = frozenset({"42P01", "3F000"})
_OTHER_COLUMNS = frozenset({"42703"})
_GOING_DOWN = frozenset({"57P01", "57P02", "57P03", "57P05"})
# Primary result codes of SQLite (sqlite3.h).
_BUSY, _LOCKED, _CONSTRAINT = 5, 6, 19
_DAMAGED = frozenset({11, 26})
_PRIMARY = 0xFF
_MAX_MESSAGE = 300


class Kind(Enum):
    """What to do about a fault."""

    BUSY = auto()
    """Somebody was in the way; try again."""
    CONFLICT = auto()
    """A row of that key is there; look again."""
    LOST = auto()
    """The connection is gone, and the database forgets what wasn't committed; try again."""
    UNKNOWN = auto()
    """The connection is gone, and only the database knows whether it committed; look."""
    UNREACHABLE = auto()
    """There is no connection."""
    MISSING = auto()
    """The tables aren't there."""
    OTHER_COLUMNS = auto()
    """The tables are there and have other columns."""
    DAMAGED = auto()
    """The database says of itself that it is damaged, or it is none."""
    REFUSED = auto()
    """Anything else: rights, space, a broken rule."""


class Fault(Exception):  # noqa: N818 - it never leaves the room
    """A database's error, understood; becomes a reason or another try."""

    def __init__(self, kind: Kind, message: str, *, settled: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.settled = settled
        """Whether it is certain now that nothing has been committed, after some doubt."""


def fault_of(error: DBAPIError) -> Fault:
    """What an error means that a statement met; at COMMIT see :func:`commit_fault_of`."""
    original = error.orig
    code = getattr(original, "sqlite_errorcode", None)
    kind = _of_postgresql(error) if code is None else _of_sqlite(code & _PRIMARY, str(original))
    return Fault(kind, said(original))


def commit_fault_of(error: DBAPIError) -> Fault:
    """What an error at COMMIT means: only where the database itself says why, it has not committed."""
    fault = fault_of(error)
    by_itself = fault.kind in {Kind.BUSY, Kind.CONFLICT} or getattr(error.orig, "sqlstate", None) is not None
    going_down = getattr(error.orig, "sqlstate", None) in _GOING_DOWN
    return fault if by_itself and not going_down else Fault(Kind.UNKNOWN, fault.message)


def said(error: BaseException | None) -> str:
    """The first line of what a database says, bounded."""
    lines = str(error).strip().splitlines()
    return lines[0][:_MAX_MESSAGE] if lines else "no reason given"


def _of_postgresql(error: DBAPIError) -> Kind:
    state = getattr(error.orig, "sqlstate", None)
    if state is None or state in _GOING_DOWN or state.startswith("08"):
        return Kind.LOST
    for states, kind in (
        (_SERIALIZATION | _WAITED, Kind.BUSY),
        (_CONFLICT, Kind.CONFLICT),
        (_MISSING, Kind.MISSING),
        (_OTHER_COLUMNS, Kind.OTHER_COLUMNS),
    ):
        if state in states:
            return kind
    return Kind.REFUSED


def _of_sqlite(code: int, text: str) -> Kind:
    if code in {_BUSY, _LOCKED}:
        return Kind.BUSY
    if code == _CONSTRAINT:
        return Kind.CONFLICT
    if code in _DAMAGED:
        return Kind.DAMAGED
    if "no such column" in text:
        return Kind.OTHER_COLUMNS
    return Kind.MISSING if "no such table" in text else Kind.REFUSED
