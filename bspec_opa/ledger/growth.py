"""What an append adds to a ledger, before it is written anywhere. Pure but for the signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.ledger.checkpoint import sign_checkpoint
from bspec_opa.ledger.entry import MAX_ENTRY_BYTES
from bspec_opa.ledger.interface import Tip, already_there
from bspec_opa.ledger.merkle import leaf_hash
from bspec_opa.ledger.reasons import CLOCK_BEHIND, TOO_LARGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.checkpoint import Signer
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.nodes import Frontier, Node


@dataclass(frozen=True, slots=True)
class Growth:
    """Entries that follow a tip.

    Attributes:
        base: what they follow.
        entries: the entries.
        lines: their lines without LF: the leaves' bytes.
        frontier: the tree's frontier with them.
        nodes: every node that is complete now and was not before, in the order in which they became complete.
    """

    base: Tip
    entries: tuple[Entry, ...]
    lines: tuple[bytes, ...]
    frontier: Frontier
    nodes: tuple[Node, ...]

    def signed(self, signer: Signer) -> Tip:
        """The tip with these entries, under a checkpoint of its own: to be called once they are won and durable.

        Raises:
            TrustError: no good signature came back.
        """
        last_at = self.entries[-1].at if self.entries else self.base.last_at
        checkpoint = sign_checkpoint(self.base.origin, self.frontier.size, self.frontier.root, signer)
        return Tip(self.base.origin, self.frontier, last_at, checkpoint)


def growth_of(base: Tip, entries: Sequence[Entry]) -> Growth:
    """What an append adds; refuses what a reader would refuse afterwards, but for records that are there already.

    Raises:
        TrustError: an entry lies before the one ahead of it, or a record is there twice among them.
        StoreError: an entry is too large.
        ValueError: they don't follow ``base``; a mistake of the caller.
    """
    last, lines = base.last_at, list[bytes]()
    fresh: dict[Digest, int] = {}
    for seq, entry in enumerate(entries, base.size):
        if entry.seq != seq:
            raise ValueError("entries must follow the tip that they were drafted on")
        if entry.at < last:
            raise CLOCK_BEHIND.error(f"entry {seq} would lie before the one ahead of it")
        if entry.record_id in fresh:
            raise already_there(entry, fresh[entry.record_id])
        line = entry.leaf()
        if len(line) > MAX_ENTRY_BYTES:
            raise TOO_LARGE.error(f"entry {seq} is larger than {MAX_ENTRY_BYTES} bytes")
        last, fresh[entry.record_id] = entry.at, seq
        lines.append(line)
    frontier, nodes = base.frontier.extended(leaf_hash(x) for x in lines)
    return Growth(base, tuple(entries), tuple(lines), frontier, nodes)
