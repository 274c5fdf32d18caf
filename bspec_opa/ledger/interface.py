"""What every ledger store offers, the verified state that it hands out, and the end of it that appending needs.

Two ways lead to a ledger. Deciding needs all of it: :meth:`Store.read` verifies every entry. Appending, proving and
moving on need only its *tip*: the signed checkpoint, the Merkle frontier that gives the signed root, and the time of
the last entry. A store answers for a tip, a proof or an append in O(log n) reads and writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bspec_opa.foundation.times import format_time
from bspec_opa.ledger.descent import Past, Rooted, as_digest, require_descent, require_unmoved
from bspec_opa.ledger.entry import entry_of
from bspec_opa.ledger.merkle import consistency_proof, inclusion_proof, root_of
from bspec_opa.ledger.nodes import Frontier
from bspec_opa.ledger.proving import Consistency, Inclusion
from bspec_opa.ledger.reasons import CLOCK_BEHIND, DUPLICATE_RECORD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.checkpoint import Checkpoint, NoteSignature, Signer
    from bspec_opa.ledger.entry import Entry

__all__ = [
    "EMPTY", "Consistency", "Inclusion", "LedgerState", "Past", "Rooted", "Store", "Tip", "already_there", "as_digest",
    "require_clock", "require_descent", "require_unmoved",
]  # fmt: skip
EMPTY = Frontier()


@dataclass(frozen=True, slots=True)
class Tip:
    """The end of a verified ledger: all that appending to it needs, whatever its size.

    Attributes:
        origin: the ledger's name.
        frontier: the tree's frontier; its root is the checkpoint's.
        last_at: when the last entry was sequenced, Unix seconds; 0 if there is none.
        checkpoint: the signed tree head; None only for a ledger that nobody has written yet.
    """

    origin: str
    frontier: Frontier = EMPTY
    last_at: int = 0
    checkpoint: Checkpoint | None = None

    @property
    def size(self) -> int:
        """How many entries."""
        return self.frontier.size

    @property
    def root(self) -> bytes:
        """The Merkle root."""
        return self.frontier.root

    @property
    def root_hash(self) -> Digest:
        """The Merkle root, as records write it."""
        return as_digest(self.root)

    def head(self) -> JsonObject:
        """The tree head as records carry it (``decided_on``)."""
        return {"origin": self.origin, "tree_size": self.size, "root_hash": self.root_hash}

    def draft(self, at: int, records: Iterable[tuple[str, bytes]]) -> tuple[Entry, ...]:
        """New entries that follow this tip.

        Args:
            at: when they are sequenced, Unix seconds.
            records: kind and exact bytes of each.

        Raises:
            TrustError: the clock is behind, or a record is not exactly an envelope of its kind.
        """
        require_clock(self, at)
        return tuple(entry_of(self.size + i, at, kind, data) for i, (kind, data) in enumerate(records))


@dataclass(frozen=True, slots=True)
class LedgerState:
    """A whole ledger as a checkpoint covers it; a store only hands out what it has verified.

    Attributes:
        origin: the ledger's name.
        entries: all entries, by number.
        leaves: their Merkle leaf hashes.
        tip: its end; made from the leaves where none is given, for a ledger that nobody has written yet.
    """

    origin: str
    entries: tuple[Entry, ...] = ()
    leaves: tuple[bytes, ...] = ()
    tip: Tip = field(default=None)  # type: ignore[assignment] # never None: __post_init__ needs the origin for it

    def __post_init__(self) -> None:
        """Fill in the tip of an empty ledger, and refuse one that belongs to other entries."""
        if self.tip is None:
            object.__setattr__(self, "tip", Tip(self.origin))
        if not self.tip.size == len(self.entries) == len(self.leaves):
            raise ValueError("the tip is not that of these entries")

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The signed tree head; None only for a ledger that nobody has written yet."""
        return self.tip.checkpoint

    @property
    def size(self) -> int:
        """How many entries."""
        return self.tip.size

    @property
    def root_hash(self) -> Digest:
        """The Merkle root, as records write it."""
        return self.tip.root_hash

    @property
    def last_at(self) -> int:
        """When the last entry was sequenced, Unix seconds; 0 if there is none."""
        return self.tip.last_at

    def head(self) -> JsonObject:
        """The tree head as records carry it (``decided_on``)."""
        return self.tip.head()

    def root_at(self, size: int) -> Digest:
        """The root when the ledger had ``size`` entries, at most as many as now."""
        return self.root_hash if size == self.size else as_digest(root_of(self.leaves[:size]))

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
        """New entries that follow this state, none of which it has already.

        Args:
            at: when they are sequenced, Unix seconds.
            records: kind and exact bytes of each.

        Raises:
            TrustError: the clock is behind, a record is not exactly an envelope of its kind, or is there already.
        """
        drafted = self.tip.draft(at, records)
        known = self.record_ids() if drafted else {}
        for entry in drafted:
            if entry.record_id in known:
                raise already_there(entry, known[entry.record_id])
            known[entry.record_id] = entry.seq
        return drafted

    def followed_by(self, entries: Sequence[Entry], tip: Tip) -> LedgerState:
        """The state after an append that gave this tip."""
        leaves = (*self.leaves, *(e.leaf_hash() for e in entries))
        return LedgerState(self.origin, (*self.entries, *entries), leaves, tip)


class Store(Protocol):
    """Where a ledger is kept. Implementations verify everything that they hand out.

    Costs are in reads and writes of the store, for a ledger of n entries.
    """

    @property
    def origin(self) -> str:
        """The ledger's name, from the trust root."""
        ...

    def read(self) -> LedgerState:
        """The whole ledger, every entry verified; O(n).

        Raises:
            TrustError: anything doesn't verify; the error names the entry where that can be told.
            StoreError: another process holds it for too long.
        """
        ...

    def tip(self) -> Tip:
        """The end of the ledger; O(log n).

        Verified are the checkpoint's signature, that the frontier gives the root that it signs, and that the last
        entry is the leaf that it signs and nothing comes after it. Entries in the middle are not looked at.

        Raises:
            TrustError: any of it doesn't verify.
            StoreError: another process holds it for too long.
        """
        ...

    def append(self, base: Tip, entries: Sequence[Entry], signer: Signer) -> Tip:
        """Add entries and sign a checkpoint over them, if the ledger still is what the caller decided on; O(log n).

        Nothing to add is no change: the tip that is there is returned, if it is the base. The size of one entry is
        bounded by ``MAX_ENTRY_BYTES``.

        Args:
            base: what was decided on, from :meth:`tip` or ``read().tip``.
            entries: drafted on ``base``.
            signer: the ledger key.

        Raises:
            StoreError: it has grown (``ledger.race-lost``), is busy, or can't be written (``ledger.unwritable``,
                ``ledger.too-large``); nothing was recorded.
            TrustError: its history is another one (``ledger.forked``), it is smaller (``ledger.rolled-back``), it
                doesn't verify, a record is in it already (``ledger.duplicate-record``), an entry lies before the one
                ahead of it (``ledger.clock-behind``), or the signer is no ledger key (``ledger.checkpoint-signature``).
            ValueError: the entries don't follow ``base``; a mistake of the caller.
        """
        ...

    def scan(self, start: int = 0) -> Iterator[Entry]:
        """The entries that the checkpoint covers, from a number on, one by one in bounded memory.

        Each has its form, its number and its order in time verified, not its hash: who reads them all holds the
        frontier of their leaves against that of :meth:`tip`. A ledger that others append to meanwhile is read as it
        was at the first entry.

        Raises:
            TrustError: an entry is missing or has another form; it is named.
        """
        ...

    def find(self, record_id: Digest) -> int | None:
        """The number of the entry with a record; None if there is none; O(log n).

        Raises:
            TrustError: the store can't tell.
        """
        ...

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """Leaf hashes as they were noted at writing, from ``start`` to before ``end``; they may have been altered.

        Fewer, or none, where they are not noted. They serve to name an altered entry, if they give the signed root.
        """
        ...

    def inclusion(self, tip: Tip, seq: int) -> Inclusion:
        """Proof that an entry is in the tree of ``tip``; O(log n).

        Raises:
            ValueError: there is no such entry.
            TrustError: what is stored doesn't give the root of ``tip``.
        """
        ...

    def consistency(self, tip: Tip, size: int) -> Consistency:
        """Proof that the tree of ``tip`` goes on from that of its first ``size`` entries; O(log n).

        Raises:
            ValueError: the tree is smaller than that.
            TrustError: what is stored doesn't give the root of ``tip``.
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


def already_there(entry: Entry, seq: int) -> Exception:
    """That a record would be sequenced twice."""
    return DUPLICATE_RECORD.error(f"the {entry.kind} is entry {seq} already")


def require_clock(ledger: Tip | LedgerState, now: int) -> None:
    """Refuse a clock that is behind what the ledger has already seen (attack A17).

    Raises:
        TrustError: ``now`` lies before the last entry.
    """
    if now < ledger.last_at:
        raise CLOCK_BEHIND.error(
            f"it is {format_time(now)} here, and the ledger's last entry is of {format_time(ledger.last_at)}",
            hint="set the clock",
        )
