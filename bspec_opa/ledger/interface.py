"""What every ledger store offers, and the verified state that it hands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bspec_opa.foundation.digest import PREFIX, Digest
from bspec_opa.foundation.times import format_time
from bspec_opa.ledger.entry import entry_of
from bspec_opa.ledger.merkle import EMPTY_ROOT, consistency_proof, inclusion_proof, root_of
from bspec_opa.ledger.reasons import CLOCK_BEHIND, FORKED, RACE_LOST, ROLLED_BACK

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.checkpoint import Checkpoint, NoteSignature, Signer
    from bspec_opa.ledger.entry import Entry


@dataclass(frozen=True, slots=True)
class LedgerState:
    """A ledger as a checkpoint covers it; a store only hands out what it has verified.

    Attributes:
        origin: the ledger's name.
        entries: all entries, by number.
        leaves: their Merkle leaf hashes.
        checkpoint: the signed tree head; None only for a ledger that nobody has written yet.
    """

    origin: str
    entries: tuple[Entry, ...] = ()
    leaves: tuple[bytes, ...] = ()
    checkpoint: Checkpoint | None = None

    @property
    def size(self) -> int:
        """How many entries."""
        return len(self.entries)

    @property
    def root_hash(self) -> Digest:
        """The Merkle root, as records write it."""
        return as_digest(self.checkpoint.root if self.checkpoint else EMPTY_ROOT)

    @property
    def last_at(self) -> int:
        """When the last entry was sequenced, Unix seconds; 0 if there is none."""
        return self.entries[-1].at if self.entries else 0

    def head(self) -> JsonObject:
        """The tree head as records carry it (``decided_on``)."""
        return {"origin": self.origin, "tree_size": self.size, "root_hash": self.root_hash}

    def root_at(self, size: int) -> Digest:
        """The root when the ledger had ``size`` entries, at most as many as now."""
        return as_digest(root_of(self.leaves[:size]))

    def record_ids(self) -> dict[Digest, int]:
        """Record id to entry number."""
        return {e.record_id: e.seq for e in self.entries}

    def inclusion(self, seq: int) -> tuple[bytes, ...]:
        """The audit path of an entry."""
        return inclusion_proof(self.leaves, seq)

    def consistency(self, size: int) -> tuple[bytes, ...]:
        """Proof that this ledger goes on from the one with ``size`` entries."""
        return consistency_proof(self.leaves, size)

    def draft(self, at: int, records: Iterable[tuple[str, bytes]]) -> tuple[Entry, ...]:
        """New entries that follow this state.

        Args:
            at: when they are sequenced, Unix seconds.
            records: kind and exact bytes of each.

        Raises:
            TrustError: the clock is behind, or a record is not exactly an envelope of its kind.
        """
        require_clock(self, at)
        return tuple(entry_of(self.size + i, at, kind, data) for i, (kind, data) in enumerate(records))


class Store(Protocol):
    """Where a ledger is kept. Implementations verify everything that they read."""

    def read(self) -> LedgerState:
        """The whole ledger, verified.

        Raises:
            TrustError: anything doesn't verify; the error names the entry where that can be told.
            StoreError: another process holds it for too long.
        """
        ...

    def append(self, base: LedgerState, entries: Sequence[Entry], signer: Signer) -> LedgerState:
        """Add entries and sign a checkpoint over them, if the ledger still is what the caller decided on.

        Raises:
            StoreError: it has grown (``ledger.race-lost``), is busy or can't be written; nothing was recorded.
            TrustError: its history is another one, it doesn't verify, or a record is in it already.
        """
        ...

    def endorse(self, checkpoint: Checkpoint, signatures: Sequence[NoteSignature]) -> Checkpoint | None:
        """Put signatures of others, such as witnesses, beside the ledger's own.

        Nothing is verified here: a signature counts only for who knows its key.

        Returns:
            The head with all its signatures; None if the ledger has gone on since, and then nothing was written.

        Raises:
            StoreError: it is busy or can't be written.
            TrustError: its head doesn't verify.
        """
        ...


def as_digest(root: bytes) -> Digest:
    """A Merkle root as records write it."""
    return Digest(PREFIX + root.hex())


def require_clock(state: LedgerState, now: int) -> None:
    """Refuse a clock that is behind what the ledger has already seen (attack A17).

    Raises:
        TrustError: ``now`` lies before the last entry.
    """
    if now < state.last_at:
        raise CLOCK_BEHIND.error(
            f"it is {format_time(now)} here, and the ledger's last entry is of {format_time(state.last_at)}",
            hint="set the clock",
        )


def require_descent(current: LedgerState, size: int, root_hash: Digest) -> None:
    """Refuse a ledger that is not the remembered one, or that one with more entries (attacks A53, A55).

    Raises:
        TrustError: smaller, or with another history.
    """
    if current.size < size:
        raise ROLLED_BACK.error(f"the ledger {current.origin} has {current.size} entries; {size} were there before")
    if current.root_at(size) != root_hash:
        raise FORKED.error(
            f"the first {size} entries of the ledger {current.origin} are not those that were there before"
        )


def require_unmoved(current: LedgerState, base: LedgerState) -> None:
    """The comparison of an append's compare-and-set: same size and same root (attack A45).

    Raises:
        StoreError: entries were added in the meantime.
        TrustError: it is another history.
    """
    require_descent(current, base.size, base.root_hash)
    if current.size != base.size:
        added = current.size - base.size
        raise RACE_LOST.error(f"{added} entries were added in the meantime; nothing was recorded", hint="run it again")
