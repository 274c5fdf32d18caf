"""Trying again, within bounds: serialization failures are how a database says that two writers met (attack A56)."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from bspec_opa.ledger.reasons import ALTERED, BUSY, UNCHECKPOINTED_TAIL, UNWRITABLE
from bspec_opa.ledger.sql.faults import Fault, Kind
from bspec_opa.ledger.sql.reasons import (
    NOT_INITIALISED,
    OTHER_TABLES,
    OUTCOME_UNKNOWN,
    REFUSED_BY_DATABASE,
    SOMEBODY,
    UNREACHABLE,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from bspec_opa.foundation.errors import Reason
    from bspec_opa.ledger.sql.database import Database

    T = TypeVar("T")

TRIES = 20
"""At most, within the time that the caller waits."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.002, 0.5
_AGAIN = frozenset({Kind.BUSY, Kind.CONFLICT, Kind.LOST, Kind.UNKNOWN})


def tried(database: Database, act: Callable[[Fault | None], T]) -> T:
    """What an action gives, tried again while another writer, or the way to the database, stands in its way.

    Args:
        database: where it acts.
        act: is told the fault after which an earlier try may have committed, and has to look before it does so again.

    Raises:
        BspecError: what the action raises, or why it could not be done.
    """
    deadline = time.monotonic() + database.wait_s
    doubt: Fault | None = None
    lost = False
    for number in range(TRIES):
        try:
            return act(doubt)
        except Fault as fault:
            doubt = fault if fault.kind is Kind.UNKNOWN else None if fault.settled else doubt
            # A server that restarts is away for a moment; one that was never there is no reason to wait.
            again = fault.kind in _AGAIN or (lost and fault.kind is Kind.UNREACHABLE)
            lost |= fault.kind in {Kind.LOST, Kind.UNKNOWN}
            left = deadline - time.monotonic()
            if not again or left <= 0 or number == TRIES - 1:
                raise _reason(database, fault, number + 1, in_doubt=doubt is not None) from fault
            # Chance keeps writers that met from meeting again; nobody gains by guessing it.
            time.sleep(min(left, random.uniform(0.5, 1) * min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**number)))  # noqa: S311
    raise AssertionError  # pragma: no cover - the last try returns or raises; this is for mypy


def _reason(database: Database, fault: Fault, tries: int, *, in_doubt: bool) -> Exception:
    said = fault.message
    if in_doubt:
        return _told(OUTCOME_UNKNOWN, f"the connection was lost at COMMIT, and since then: {said}", database)
    match fault.kind:
        case Kind.BUSY:
            told = BUSY, f"others were in the way {tries} times, in {database.wait_s:g} s: {said}"
        case Kind.CONFLICT:
            told = UNCHECKPOINTED_TAIL, f"rows that no checkpoint covers are in the way: {said}"
        case Kind.LOST | Kind.UNREACHABLE:
            told = UNREACHABLE, f"can't be reached: {said}"
        case Kind.MISSING:
            told = NOT_INITIALISED, "has no ledger's tables"
        case Kind.OTHER_COLUMNS:
            told = OTHER_TABLES, f"has tables of another build of bspec-opa: {said}"
        case Kind.DAMAGED:
            told = ALTERED, f"the database is damaged: {said}"
        case _:
            told = (UNWRITABLE if database.is_sqlite else REFUSED_BY_DATABASE), f"the database says: {said}"
    return _told(*told, database)


def _told(reason: Reason, message: str, database: Database) -> Exception:
    hint = SOMEBODY if reason is UNCHECKPOINTED_TAIL else reason.remedy
    return reason.error(message, hint=hint, at=database.at)
