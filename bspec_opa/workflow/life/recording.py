"""Records that must be durable at once: signed, kept in the inbox, and appended to the ledger by one command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import StoreError
from bspec_opa.foundation.limits import REDECIDE_LIMIT
from bspec_opa.ledger.interface import require_clock
from bspec_opa.ledger.reasons import RACE_LOST
from bspec_opa.workflow.checkout.inbox import write_record
from bspec_opa.workflow.checkout.memory import remember_current
from bspec_opa.workflow.checkout.place import authentic_ledger, open_store, read_ledger
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.reasons import MOVED
from bspec_opa.workflow.witness.cosigning import try_cosigning

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.trust.authority import Record
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.checkout.anchor import Anchor
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.world import World

UNRECORDED = -1


@dataclass(frozen=True, slots=True)
class Opened:
    """A project whose record is authentic, whether or not there is a ledger yet.

    Attributes:
        project: its places.
        anchor: the trust root in force.
        ledger: verified.
        world: with a time at which the ledger was as it is here.
    """

    project: Project
    anchor: Anchor
    ledger: LedgerState
    world: World


@dataclass(frozen=True, slots=True)
class Put:
    """A signed record and where it is.

    Attributes:
        record: what was signed.
        file: in the inbox.
        entry: of the ledger; -1 while it is in force nowhere.
    """

    record: Record
    file: Path
    entry: int


def open_authentic(directory: Path, world: World) -> Opened:
    """The project of a directory; no intent is needed.

    Raises:
        TrustError: there is no pin, or something does not verify.
    """
    project = find_project(directory, world.environ, world.flags)
    found = authentic_ledger(project, world)
    return Opened(project, found.anchor, found.ledger, found.world)


def put(opened: Opened, records: Sequence[Record], signer: Signer | None) -> tuple[Put, ...]:
    """Keep records in the inbox and, with the ledger's key, append them all at once.

    What they say does not depend on the tree that they are appended to, so a race that is lost is run again.

    Args:
        opened: the project.
        records: verified, and not in the ledger yet.
        signer: the ledger's key; None leaves them in the inbox, where they are not in force.

    Raises:
        StoreError: they can't be written, or the ledger keeps moving; then they lie in the inbox, for ``record``.
        TrustError: the key is no ledger key, or the clock is behind.
    """
    directory = opened.project.records_directory
    files = [write_record(directory, r.type, r.id, r.envelope) for r in records]
    if signer is None:
        return tuple(Put(r, f, UNRECORDED) for r, f in zip(records, files, strict=True))
    places = _append(opened, records, signer)
    try_cosigning(opened.project, opened.anchor, opened.world)
    return tuple(Put(r, f, places[r.id]) for r, f in zip(records, files, strict=True))


def _append(opened: Opened, records: Sequence[Record], signer: Signer) -> dict[Digest, int]:
    """Where each one is; another process may have found them in the inbox and appended them meanwhile."""
    project, anchor = opened.project, opened.anchor
    ledger = opened.ledger
    for _ in range(REDECIDE_LIMIT):
        world = opened.world.caught_up(ledger)
        require_clock(ledger, world.now)
        known = ledger.record_ids()
        fresh = [r for r in records if r.id not in known]
        if not fresh:
            return known
        entries = ledger.draft(world.now, [(r.type, r.envelope) for r in fresh])
        store = open_store(project, anchor)
        try:
            tip = store.append(ledger.tip, entries, signer)
        except StoreError as e:
            if e.code != RACE_LOST.code:
                raise
            ledger = read_ledger(project, anchor)
            continue
        remember_current(anchor, ledger.followed_by(entries, tip), store.read, world.environ)
        return known | {e.record_id: e.seq for e in entries}
    raise MOVED.error("the ledger kept moving while this was recorded", hint="run bspec-opa record: it is in the inbox")
