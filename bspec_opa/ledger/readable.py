"""A ledger that is only read, and the check of all its entries in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from bspec_opa.foundation.digest import hex_of
from bspec_opa.foundation.errors import TrustError
from bspec_opa.ledger.interface import EMPTY
from bspec_opa.ledger.log import UNTOLD
from bspec_opa.ledger.reasons import ALTERED, DUPLICATE_RECORD, TRUNCATED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.interface import Consistency, Inclusion, LedgerState, Tip
    from bspec_opa.ledger.nodes import Frontier

BATCH = 1024


class Readable(Protocol):
    """What a store and an export have in common; see :class:`~bspec_opa.ledger.interface.Store`."""

    @property
    def origin(self) -> str:
        """The ledger's name."""
        ...

    def read(self) -> LedgerState:
        """The whole ledger, verified."""
        ...

    def tip(self) -> Tip:
        """Its verified end."""
        ...

    def scan(self, start: int = 0) -> Iterator[Entry]:
        """The covered entries, one by one."""
        ...

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """Leaf hashes as they were noted at writing."""
        ...

    def inclusion(self, tip: Tip, seq: int) -> Inclusion:
        """Proof that an entry is in the tree of a tip."""
        ...

    def consistency(self, tip: Tip, size: int) -> Consistency:
        """Proof that a tree goes on from a smaller one."""
        ...


def verified_tip(ledger: Readable) -> Tip:
    """The end of a ledger; where it doesn't verify, all entries are read to name the first one that is wrong.

    Raises:
        TrustError: it doesn't verify.
    """
    try:
        return ledger.tip()
    except TrustError:
        ledger.read()
        raise


def check_entries(ledger: Readable, tip: Tip) -> Iterator[Entry]:
    """All entries of a tip, one by one; they count once it has come to its end without an error.

    Raises:
        TrustError: an entry is missing, altered, of another form or there twice; the first one is named.
    """
    seen: dict[bytes, int] = {}
    compared = _Compared()
    entries = islice(ledger.scan(), tip.size)
    while batch := list(islice(entries, BATCH)):
        for entry in batch:
            key = bytes.fromhex(hex_of(entry.record_id))
            if seen.setdefault(key, entry.seq) != entry.seq:
                raise DUPLICATE_RECORD.error(f"entry {entry.seq} repeats the record of entry {seen[key]}")
        compared.add([e.leaf_hash() for e in batch], ledger)
        yield from batch
    compared.require(tip)


@dataclass(slots=True)
class _Compared:
    """The entries' frontier beside that of the leaf hashes that were noted, and where the two part first."""

    read: Frontier = EMPTY
    noted: Frontier = EMPTY
    parted: int | None = None

    def add(self, leaves: Sequence[bytes], ledger: Readable) -> None:
        start, end = self.read.size, self.read.size + len(leaves)
        known = ledger.leaves(start, end)
        self.read, _ = self.read.extended(leaves)
        self.noted, _ = self.noted.extended(known)
        if self.parted is None:
            pairs = enumerate(zip(leaves, known, strict=False), start)
            self.parted = next((seq for seq, (a, b) in pairs if a != b), None)

    def require(self, tip: Tip) -> None:
        if self.read.size < tip.size:
            raise TRUNCATED.error(f"entry {self.read.size} is missing; the checkpoint covers {tip.size} entries")
        if self.read.root != tip.root:
            told = self.parted is not None and self.noted.root == tip.root
            named = f"entry {self.parted}" if told else UNTOLD
            raise ALTERED.error(f"changed since it was signed: {named}")
