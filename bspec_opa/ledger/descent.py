"""Whether a ledger goes on from what was decided on, or seen before. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bspec_opa.foundation.digest import PREFIX, Digest
from bspec_opa.ledger.reasons import FORKED, RACE_LOST, ROLLED_BACK

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.ledger.interface import Consistency, Tip


class Rooted(Protocol):
    """A ledger of which earlier roots can be told."""

    @property
    def origin(self) -> str:
        """The ledger's name."""
        ...

    @property
    def size(self) -> int:
        """How many entries."""
        ...

    def root_at(self, size: int) -> Digest:
        """The root when the ledger had ``size`` entries, at most as many as now."""
        ...


@dataclass(frozen=True, slots=True)
class Past:
    """A tip and the roots before it, told by its store's consistency proofs.

    Attributes:
        tip: the ledger's end.
        prove: the store's :meth:`Store.consistency`.
    """

    tip: Tip
    prove: Callable[[Tip, int], Consistency]

    @property
    def origin(self) -> str:
        """The ledger's name."""
        return self.tip.origin

    @property
    def size(self) -> int:
        """How many entries."""
        return self.tip.size

    def root_at(self, size: int) -> Digest:
        """The root when the ledger had ``size`` entries, at most as many as now."""
        return self.tip.root_hash if size == self.size else as_digest(self.prove(self.tip, size).root)


def as_digest(root: bytes) -> Digest:
    """A Merkle root as records write it."""
    return Digest(PREFIX + root.hex())


def require_descent(current: Rooted, size: int, root_hash: Digest) -> None:
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


def require_unmoved(current: Rooted, base: Tip) -> None:
    """The comparison of an append's compare-and-set: same size and same root (attack A45).

    Raises:
        StoreError: entries were added in the meantime.
        TrustError: it is another history.
    """
    require_descent(current, base.size, base.root_hash)
    if current.size != base.size:
        added = current.size - base.size
        raise RACE_LOST.error(f"{added} entries were added in the meantime; nothing was recorded", hint="run it again")
