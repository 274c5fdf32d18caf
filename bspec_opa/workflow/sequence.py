"""Putting the inbox's verified records into the ledger, under one checkpoint, or several if they are too many bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError, StoreError, error_of
from bspec_opa.foundation.limits import REDECIDE_LIMIT
from bspec_opa.ledger.portions import portions
from bspec_opa.ledger.reasons import RACE_LOST
from bspec_opa.workflow.checkout.memory import remember_current
from bspec_opa.workflow.checkout.place import open_store
from bspec_opa.workflow.checkout.session import reopen
from bspec_opa.workflow.reasons import MOVED

if TYPE_CHECKING:
    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.trust.authority import Record
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.checkout.session import Session


@dataclass(frozen=True, slots=True)
class Sequencing:
    """What was sequenced.

    Attributes:
        ledger: the ledger afterwards.
        added: the records that are new in it, in their order.
        unfinished: why the others of the inbox are not in it; None if they are.
    """

    ledger: LedgerState
    added: tuple[Record, ...]
    unfinished: BspecError | None = None

    def require_whole(self) -> None:
        """Demand that the whole inbox is in the ledger: nothing is decided on a part of it.

        Raises:
            BspecError: what came between; the error says what is recorded.
        """
        if self.unfinished is not None:
            raise self.unfinished


def record_inbox(session: Session, signer: Signer) -> Sequencing:
    """Sequence the inbox; where others have appended meanwhile, after them: nothing here was decided on a tree.

    Raises:
        StoreError: the ledger is busy, keeps moving or can't be written; what is recorded is recorded.
        TrustError: see :func:`sequence`.
    """
    added: tuple[Record, ...] = ()
    for _ in range(REDECIDE_LIMIT):
        try:
            done = sequence(session, signer)
            added += done.added
            done.require_whole()
            return Sequencing(done.ledger, added)
        except StoreError as e:
            if e.code != RACE_LOST.code:
                raise
            session = reopen(session)
    so_far = f"; {len(added)} of the inbox's records are in it now" if added else ""
    raise MOVED.error(f"the ledger kept moving while this was recorded{so_far}", hint="run it again")


def sequence(session: Session, signer: Signer) -> Sequencing:
    """Append the inbox's verified records that the ledger does not have yet, oldest signature first.

    The documents that they are about are kept as objects, so that a decision can be rebuilt when everything else is
    gone.

    What is more than one append takes becomes several, each of them durable, and remembered, before the next. No
    record needs another one in the same append: what lies in the ledger after a part of them is what it would hold
    had the others been signed later, and running again goes on from there.

    Returns:
        What was appended. Where something came between two portions, it says so: then the caller neither decides on
        it nor takes it for all.

    Raises:
        StoreError: the ledger is busy, moved or can't be written, or one record is too large; nothing was recorded.
        TrustError: the signer's key is no ledger key, or the clock is behind.
    """
    known = session.ledger.record_ids()
    fresh = tuple(r for r in session.inbox.records if r.id not in known)
    session.objects.put(canonical_intent(session))
    if not fresh:
        return Sequencing(session.ledger, ())
    entries = session.ledger.draft(session.world.now, [(r.type, r.envelope) for r in fresh])
    store, ledger = open_store(session.project, session.anchor), session.ledger
    for portion in tuple(portions(entries)):  # all of them first: what no append takes is refused before there is one
        try:
            ledger = ledger.followed_by(portion, store.append(ledger.tip, portion, signer))
            remember_current(session.anchor, ledger, store.read, session.world.environ)
        except BspecError as e:
            if ledger is session.ledger:
                raise
            added = fresh[: ledger.size - session.ledger.size]
            return Sequencing(ledger, added, _after(e, ledger, len(added), len(fresh)))
    return Sequencing(ledger, fresh)


def _after(error: BspecError, ledger: LedgerState, added: int, of: int) -> BspecError:
    """The error, with what had been recorded by then."""
    first, *rest = error.problems
    recorded = f"{added} of the inbox's {of} new records are in the ledger, which has {ledger.size} entries"
    return error_of([replace(first, message=f"{recorded}; then: {first.message}"), *rest])


def canonical_intent(session: Session) -> bytes:
    """The intent's canonical form: its digest is the intent's digest."""
    from bspec_opa.foundation.canonical import canonical_bytes

    return canonical_bytes(session.loaded.authored)
