"""A lock completed from the ledger: bytes are copied, nothing is signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import StoreError, TrustError
from bspec_opa.foundation.limits import REDECIDE_LIMIT
from bspec_opa.ledger.interface import require_unmoved
from bspec_opa.lock.chain import append_lines, load_lock, missing_lines, read_lock
from bspec_opa.lock.reasons import CHANGED, NOT_IN_LEDGER
from bspec_opa.workflow.checkout.place import open_store, read_ledger
from bspec_opa.workflow.checkout.session import reread
from bspec_opa.workflow.facts.lines import lock_of, places_of_lines
from bspec_opa.workflow.facts.voiding import require_no_void_line

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.facts.history import History


def complete_lock(path: Path, history: History) -> int:
    """Append to the lock what the ledger has and it lacks; copies bytes and signs nothing (attack A48).

    Returns:
        How many lines it lacked.

    Raises:
        TrustError: the file holds something that the ledger does not.
        StoreError: it can't be written.
    """
    found = load_lock(path)
    missing = missing_lines(read_lock(found, str(path)), lock_of(history), str(path))
    if missing:
        append_lines(path, found, missing)
    return len(missing)


def complete_known(path: Path, session: Session) -> int:
    """Complete the lock from the ledger that this run knows.

    Another run may have appended and written its line since that ledger was read. So a line that is not in it is
    looked for in the ledger as it is now, before it counts as one that the ledger never had.

    Raises:
        StoreError: the ledger has moved: decide again.
        TrustError: as :func:`complete_lock`.
    """
    try:
        return complete_lock(path, session.history)
    except TrustError as e:
        if e.code == NOT_IN_LEDGER.code:
            require_unmoved(read_ledger(session.project, session.anchor), session.ledger.tip)
            _require_none_void(path, session)
        raise


def _require_none_void(path: Path, session: Session) -> None:
    """Say so where the ledger has a line of the lock, and it doesn't count any more."""
    recorded = places_of_lines(session.ledger.entries)
    for number, line in enumerate(read_lock(load_lock(path), str(path)), 1):
        entry = recorded.get(line.record)
        if entry is not None:
            require_no_void_line(session.history, entry, f"{path} line {number}", str(path))


def complete_own(path: Path, session: Session) -> None:
    """Complete the lock after an append: the line is in the ledger, so there is nothing to decide again.

    Raises:
        StoreError: it can't be written; the next run completes it.
    """
    for _ in range(REDECIDE_LIMIT - 1):
        try:
            complete_lock(path, _history_now(session))
        except StoreError as e:
            if e.code != CHANGED.code:
                raise
        else:
            return
    complete_lock(path, _history_now(session))


def _history_now(session: Session) -> History:
    return reread(session, open_store(session.project, session.anchor).read()).history
