"""What a ledger's rows have to be, read inside somebody's transaction: as strict as the file ledger's log."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bspec_opa.foundation.errors import Location, TrustError
from bspec_opa.ledger.checkpoint import parse_checkpoint
from bspec_opa.ledger.entry import MAX_ENTRY_BYTES, parse_entry
from bspec_opa.ledger.interface import Tip
from bspec_opa.ledger.log import altered_rows
from bspec_opa.ledger.nodes import Frontier
from bspec_opa.ledger.proving import is_last, noted_frontier, prove_frontier
from bspec_opa.ledger.reasons import (
    ALTERED,
    BAD_CHECKPOINT,
    BAD_ENTRY,
    NO_CHECKPOINT,
    TRUNCATED,
    UNCHECKPOINTED_TAIL,
)
from bspec_opa.ledger.sql.reasons import SOMEBODY
from bspec_opa.ledger.sql.statements import (
    agent_of,
    fetch_nodes,
    last_number,
    newest_note,
    note_at,
    page,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Connection

    from bspec_opa.ledger.checkpoint import Checkpoint
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.sql.statements import Row
    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.revocation import TreeHead


class Head(NamedTuple):
    """A ledger's newest checkpoint, which is verified, and what was noted beside it, which is not yet.

    Attributes:
        checkpoint: the signed tree head.
        noted: the hashes of the tree's frontier.
    """

    checkpoint: Checkpoint
    noted: bytes


class Verifying:
    """A ledger's rows, held against its name and its keys.

    Attributes:
        origin: the ledger's name, from the trust root.
        keys: whose signature on a checkpoint counts.
        former: revoked keys, each with the one tree head that it still vouches for.
        name: what messages name.
    """

    def __init__(
        self, origin: str, keys: tuple[PublicKey, ...], name: str, former: tuple[tuple[PublicKey, TreeHead], ...] = ()
    ) -> None:
        self.origin = origin
        self.keys = keys
        self.former = former
        self.name = name

    @property
    def _at(self) -> Location:
        return Location(self.name)

    def newest(self, connection: Connection) -> Head | None:
        """The newest head; None for a ledger that nobody has written yet.

        Raises:
            TrustError: it doesn't verify, or there are entries and none.
        """
        found = newest_note(connection)
        if found is not None:
            return Head(self._verified(found.size, found.note), found.frontier)
        if last_number(connection) is not None:
            raise NO_CHECKPOINT.error("there are entries and no checkpoint", at=self._at)
        return None

    def head(self, connection: Connection) -> Head | None:
        """The newest head, as :meth:`newest`; the entries end where it says.

        Raises:
            TrustError: it doesn't verify, or the entries end before or after it (attacks A52, A81).
        """
        head = self.newest(connection)
        if head is None:
            return None
        last, size = last_number(connection), head.checkpoint.size
        there = 0 if last is None else last + 1
        if there < size:
            raise self.truncated(there, size)
        if there > size:
            raise UNCHECKPOINTED_TAIL.error(
                f"entry {size} and what follows is not covered by the checkpoint", hint=SOMEBODY, at=self._at
            )
        return head

    def frontier_of(self, connection: Connection, head: Head) -> Frontier:
        """A head's frontier: as it was noted, or from the nodes, where somebody has noted another one.

        Raises:
            TrustError: neither gives the signed root (attack A54).
        """
        size, root = head.checkpoint.size, head.checkpoint.root
        try:
            return noted_frontier(head.noted, size, root)
        except TrustError:
            return prove_frontier(partial(fetch_nodes, connection), size, root)

    def checkpoint_at(self, connection: Connection, size: int) -> Checkpoint | None:
        """The checkpoint of a size; None if there is none.

        Raises:
            TrustError: it doesn't verify.
        """
        note = note_at(connection, size)
        return None if note is None else self._verified(size, note)

    def _verified(self, size: int, note: bytes) -> Checkpoint:
        name = f"{self.name}, checkpoint {size}"
        found = parse_checkpoint(note, name)
        found.verify(self.origin, self.keys, name, self.former)
        if found.size != size:
            raise BAD_CHECKPOINT.error(f"the note is of {found.size} entries", at=Location(name))
        return found

    def tip(self, connection: Connection) -> Tip:
        """The end of the ledger; see :meth:`bspec_opa.ledger.interface.Store.tip`."""
        head = self.head(connection)
        if head is None:
            return Tip(self.origin)
        return self._tip(connection, head.checkpoint, self.frontier_of(connection, head))

    def _tip(self, connection: Connection, checkpoint: Checkpoint, frontier: Frontier) -> Tip:
        size = checkpoint.size
        if size == 0:
            return Tip(self.origin, frontier, 0, checkpoint)
        (last,) = self.entries(page(connection, size - 1, size), size - 1, size)
        if not is_last(partial(fetch_nodes, connection), frontier, last.leaf_hash()):
            raise ALTERED.error(f"changed since it was signed: entry {size - 1}", at=self._at)
        return Tip(self.origin, frontier, last.at, checkpoint)

    def entries(self, rows: Iterable[Row], start: int, end: int, last_at: int = 0) -> Iterator[Entry]:
        """The entries that rows are, from a number to before another one; each is there and in order.

        Raises:
            TrustError: a row is missing, is another one, or has another form (attack A54).
        """
        seq = start
        for row in rows:
            entry = self._entry(row, seq)
            if entry.at < last_at:
                raise BAD_ENTRY.error(f"entry {seq} was sequenced before entry {seq - 1} ahead of it", at=self._at)
            last_at, seq = entry.at, seq + 1
            yield entry
        if seq < end:
            raise self.truncated(seq, end)

    def _entry(self, row: Row, seq: int) -> Entry:
        if len(row.leaf) > MAX_ENTRY_BYTES:
            raise BAD_ENTRY.error(f"entry {seq} is larger than {MAX_ENTRY_BYTES} bytes", at=self._at)
        entry = parse_entry(row.leaf, seq, self._at)
        if row[:5] != (seq, entry.at, entry.kind, entry.record_id, agent_of(entry)):
            raise BAD_ENTRY.error(f"the columns of entry {seq} say something else than its leaf", at=self._at)
        return entry

    def truncated(self, there: int, size: int) -> Exception:
        """That entries are missing."""
        return TRUNCATED.error(f"entry {there} is missing; the checkpoint covers {size} entries", at=self._at)

    def frontier(
        self, leaves: Sequence[bytes], checkpoint: Checkpoint, noted: Callable[[], Sequence[bytes]]
    ) -> Frontier:
        """The frontier of the leaves, if they give the signed root.

        Args:
            leaves: hashes of the entries as they are.
            checkpoint: signs the root.
            noted: gives the hashes as they were noted; they only serve to name an altered entry.

        Raises:
            TrustError: they don't (attack A53).
        """
        found, _ = Frontier().extended(leaves)
        if found.root == checkpoint.root:
            return found
        raise ALTERED.error(altered_rows(leaves, checkpoint.root, noted()), at=self._at)
