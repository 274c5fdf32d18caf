"""Putting the inbox's verified records into the ledger, under a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import StoreError
from bspec_opa.foundation.limits import REDECIDE_LIMIT
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
    """

    ledger: LedgerState
    added: tuple[Record, ...]


def record_inbox(session: Session, signer: Signer) -> Sequencing:
    """Sequence the inbox; where others have appended meanwhile, after them: nothing here was decided on a tree.

    Raises:
        StoreError: the ledger is busy, keeps moving or can't be written; nothing was recorded.
        TrustError: see :func:`sequence`.
    """
    for _ in range(REDECIDE_LIMIT):
        try:
            return sequence(session, signer)
        except StoreError as e:
            if e.code != RACE_LOST.code:
                raise
            session = reopen(session)
    raise MOVED.error("the ledger kept moving while this was recorded", hint="run it again")


def sequence(session: Session, signer: Signer) -> Sequencing:
    """Append the inbox's verified records that the ledger does not have yet, oldest signature first.

    The documents that they are about are kept as objects, so that a decision can be rebuilt when everything else is
    gone.

    Raises:
        StoreError: the ledger is busy, moved or can't be written; nothing was recorded.
        TrustError: the signer's key is no ledger key, or the clock is behind.
    """
    known = session.ledger.record_ids()
    fresh = tuple(r for r in session.inbox.records if r.id not in known)
    session.objects.put(canonical_intent(session))
    if not fresh:
        return Sequencing(session.ledger, ())
    entries = session.ledger.draft(session.world.now, [(r.type, r.envelope) for r in fresh])
    store = open_store(session.project, session.anchor)
    ledger = session.ledger.followed_by(entries, store.append(session.ledger.tip, entries, signer))
    remember_current(session.anchor, ledger, store.read, session.world.environ)
    return Sequencing(ledger, fresh)


def canonical_intent(session: Session) -> bytes:
    """The intent's canonical form: its digest is the intent's digest."""
    from bspec_opa.foundation.canonical import canonical_bytes

    return canonical_bytes(session.loaded.authored)
