"""The ledger in a database: SQLite on one host, PostgreSQL for gates on many.

An append is one transaction that reads the tip, compares it with what was decided on, inserts entries and nodes, signs
and inserts the checkpoint. Of writers on one size one meets no row of that number; the others wait for its COMMIT, look
again and find that they have lost (attacks A45, A46). No crash leaves entries without their checkpoint.

Rows are only ever inserted, so what a checkpoint covers can be read page by page without holding a transaction open.
Nothing that is read is believed: entries are held against the signed root, nodes too, and columns against entries.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bspec_opa.foundation.limits import LEDGER_LOCK_TIMEOUT_S as WAIT_S
from bspec_opa.ledger.checkpoint import merged, signers
from bspec_opa.ledger.growth import growth_of
from bspec_opa.ledger.interface import LedgerState, Past, Tip, already_there, as_digest, require_unmoved
from bspec_opa.ledger.merkle import leaf_hash
from bspec_opa.ledger.proving import prove_consistency, prove_inclusion
from bspec_opa.ledger.reasons import ALTERED, CHECKPOINT_SIGNATURE, DUPLICATE_RECORD
from bspec_opa.ledger.sql.database import Database
from bspec_opa.ledger.sql.faults import Fault, Kind
from bspec_opa.ledger.sql.schema import has_tables, make_tables, require_columns
from bspec_opa.ledger.sql.statements import (
    PAGE,
    fetch_nodes,
    insert_growth,
    insert_note,
    leaf_hashes,
    next_edition,
    numbers_of,
    page,
)
from bspec_opa.ledger.sql.trying import tried
from bspec_opa.ledger.sql.verifying import Verifying

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import Final

    from sqlalchemy import Connection

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.checkpoint import Checkpoint, NoteSignature, Signer
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.growth import Growth
    from bspec_opa.ledger.interface import Consistency, Inclusion
    from bspec_opa.ledger.proving import Place
    from bspec_opa.ledger.sql.url import DatabaseUrl
    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.revocation import TreeHead


class SqlStore:
    """A ledger in a database; implements :class:`bspec_opa.ledger.interface.Store`."""

    def __init__(
        self,
        database: Database,
        *,
        origin: str,
        keys: Sequence[PublicKey],
        former: Sequence[tuple[PublicKey, TreeHead]] = (),
    ) -> None:
        """Name a ledger; nothing is opened yet.

        Args:
            database: holds the tables; a SQLite file is made by the first append.
            origin: the ledger's name, from the trust root.
            keys: keys whose signature on a checkpoint counts, from the trust root.
            former: revoked keys, each with the one tree head that it still vouches for.
        """
        self.database: Final = database
        self.origin: Final = origin
        self.keys: Final = tuple(keys)
        self._verifying = Verifying(origin, self.keys, database.url.shown, tuple(former))

    def read(self) -> LedgerState:
        """The whole ledger, verified; see :class:`~bspec_opa.ledger.interface.Store`."""
        return tried(self.database, lambda _: self._read()) if self.database.is_there() else LedgerState(self.origin)

    def tip(self) -> Tip:
        """Its end; see :class:`~bspec_opa.ledger.interface.Store`."""
        return tried(self.database, lambda _: self._tip()) if self.database.is_there() else Tip(self.origin)

    def append(self, base: Tip, entries: Sequence[Entry], signer: Signer) -> Tip:
        """Compare and append; see :class:`~bspec_opa.ledger.interface.Store`."""
        if signer.public not in self.keys:
            raise CHECKPOINT_SIGNATURE.error("the key is not a ledger key of the trust root")
        self.database.make_file()
        return tried(self.database, lambda doubt: self._append(base, entries, signer, doubt))

    def scan(self, start: int = 0) -> Iterator[Entry]:
        """Entries one by one; see :class:`~bspec_opa.ledger.interface.Store`."""
        size = tried(self.database, lambda _: self._covered()) if self.database.is_there() else 0
        last_at = 0
        while start < size:
            end = min(size, start + PAGE)
            # The default holds this page fast; mypy infers no type for one of a lambda.
            found = tried(self.database, lambda _, here=(start, end, last_at): self._entries(*here))  # type: ignore[misc] # see above
            yield from found
            start, last_at = end, found[-1].at

    def find(self, record_id: Digest) -> int | None:
        """Where a record is; see :class:`~bspec_opa.ledger.interface.Store`."""
        return tried(self.database, lambda _: self._find(record_id)) if self.database.is_there() else None

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """Leaf hashes as they were noted; see :class:`~bspec_opa.ledger.interface.Store`."""
        return tried(self.database, lambda _: self._leaves(start, end)) if self.database.is_there() else ()

    def inclusion(self, tip: Tip, seq: int) -> Inclusion:
        """Proof of an entry; see :class:`~bspec_opa.ledger.interface.Store`."""
        return prove_inclusion(self._fetch, tip, seq)

    def consistency(self, tip: Tip, size: int) -> Consistency:
        """Proof of growth; see :class:`~bspec_opa.ledger.interface.Store`."""
        if not 0 <= size <= tip.size:
            raise ValueError("no such tree")
        return prove_consistency(self._fetch, tip, size)

    def endorse(self, checkpoint: Checkpoint, signatures: Sequence[NoteSignature]) -> Checkpoint | None:
        """Put signatures of others beside the ledger's own; see :class:`~bspec_opa.ledger.interface.Store`."""
        if not self.database.is_there():
            return None
        return tried(self.database, lambda _: self._endorse(checkpoint, signatures))

    def repair(self) -> None:
        """Verify; a database's transactions leave nothing to move aside, and what others insert is not ours to remove.

        Raises:
            TrustError: it doesn't verify.
        """
        self.read()

    def initialise(self) -> bool:
        """Make tables, triggers, and in PostgreSQL the roles and grants; whether they were missing.

        Raises:
            StoreError: the user may not.
        """
        self.database.make_file()
        return tried(self.database, lambda _: self._initialise())

    # Each of these is one try; they raise faults.

    def _read(self) -> LedgerState:
        with self.database.connection() as connection:
            with self.database.reading(connection):
                head = self._verifying.head(connection) if self._is_begun(connection) else None
            if head is None:
                return LedgerState(self.origin)
            checkpoint = head.checkpoint
            found = list(self._all(connection, checkpoint.size))
            entries, leaves = tuple(e for e, _ in found), tuple(leaf for _, leaf in found)
            with self.database.reading(connection):
                noted = partial(leaf_hashes, connection, 0, checkpoint.size)
                frontier = self._verifying.frontier(leaves, checkpoint, noted)
        last_at = entries[-1].at if entries else 0
        return LedgerState(self.origin, entries, leaves, Tip(self.origin, frontier, last_at, checkpoint))

    def _all(self, connection: Connection, size: int) -> Iterator[tuple[Entry, bytes]]:
        """The entries with their leaf hashes, page by page."""
        last_at, seen = 0, dict[str, int]()
        for start in range(0, size, PAGE):
            end = min(size, start + PAGE)
            with self.database.reading(connection):
                rows = page(connection, start, end)
            for entry, row in zip(self._verifying.entries(rows, start, end, last_at), rows, strict=False):
                if entry.record_id in seen:
                    first = seen[entry.record_id]
                    raise DUPLICATE_RECORD.error(
                        f"entry {entry.seq} repeats the record of entry {first}", at=self.database.at
                    )
                last_at, seen[entry.record_id] = entry.at, entry.seq
                yield entry, leaf_hash(row.leaf)

    def _covered(self) -> int:
        with self.database.connection() as connection, self.database.reading(connection):
            newest = self._verifying.newest(connection) if self._is_begun(connection) else None
        return 0 if newest is None else newest.checkpoint.size

    def _entries(self, start: int, end: int, last_at: int) -> list[Entry]:
        with self.database.connection() as connection:
            with self.database.reading(connection):
                rows = page(connection, start, end)
            return list(self._verifying.entries(rows, start, end, last_at))

    def _tip(self) -> Tip:
        with self.database.connection() as connection, self.database.reading(connection):
            return self._verifying.tip(connection) if self._is_begun(connection) else Tip(self.origin)

    def _find(self, record_id: Digest) -> int | None:
        with self.database.connection() as connection, self.database.reading(connection):
            if not self._is_begun(connection):
                return None
            seq = numbers_of(connection, [record_id]).get(record_id)
            rows = [] if seq is None else page(connection, seq, seq + 1)
        if seq is not None:
            (entry,) = self._verifying.entries(rows, seq, seq + 1)
            if entry.record_id != record_id:
                raise ALTERED.error(f"entry {seq} is not the record that its column names", at=self.database.at)
        return seq

    def _leaves(self, start: int, end: int) -> list[bytes]:
        with self.database.connection() as connection, self.database.reading(connection):
            return leaf_hashes(connection, start, end) if self._is_begun(connection) else []

    def _fetch(self, places: Collection[Place]) -> Mapping[Place, bytes]:
        def fetch(_: Fault | None) -> Mapping[Place, bytes]:
            with self.database.connection() as connection, self.database.reading(connection):
                return fetch_nodes(connection, places)

        return tried(self.database, fetch) if self.database.is_there() else {}

    def _initialise(self) -> bool:
        with self.database.connection() as connection, self.database.writing(connection):
            if has_tables(connection):
                require_columns(connection)
                return False
            make_tables(connection)
            return True

    def _append(self, base: Tip, entries: Sequence[Entry], signer: Signer, doubt: Fault | None) -> Tip:
        with self.database.connection() as connection:
            if doubt is not None:
                with self.database.reading(connection):
                    ours = self._committed(connection, growth_of(base, entries))
                if ours is not None:
                    return ours
                if self.database.is_sqlite:  # no server is left that could still be about to commit
                    raise Fault(Kind.REFUSED, doubt.message, settled=True)
            with self.database.writing(connection):
                if not self._is_begun(connection):
                    make_tables(connection)
                current = self._verifying.tip(connection)
                require_unmoved(self._past(connection, current), base)
                growth = growth_of(current, entries)
                self._require_fresh(connection, growth)
                return self._insert(connection, growth, signer) if entries else current

    def _insert(self, connection: Connection, growth: Growth, signer: Signer) -> Tip:
        insert_growth(connection, growth)
        # Whoever else is here waits for these rows, so only one writer signs for a size at a time.
        tip = growth.signed(signer)
        if tip.checkpoint is not None:
            insert_note(connection, tip.checkpoint.to_bytes(), tip.frontier)
        return tip

    def _endorse(self, checkpoint: Checkpoint, signatures: Sequence[NoteSignature]) -> Checkpoint | None:
        """A further edition of the head: what is there is never changed."""
        with self.database.connection() as connection, self.database.writing(connection):
            head = self._verifying.head(connection) if self._is_begun(connection) else None
            if head is None or head.checkpoint.text != checkpoint.text:
                return None
            endorsed = merged(head.checkpoint, signatures, signers(self.keys, self._verifying.former))
            if endorsed != head.checkpoint:
                frontier = self._verifying.frontier_of(connection, head)
                insert_note(connection, endorsed.to_bytes(), frontier, next_edition(connection, endorsed.size))
            return endorsed

    def _require_fresh(self, connection: Connection, growth: Growth) -> None:
        known = numbers_of(connection, [e.record_id for e in growth.entries])
        for entry in growth.entries:
            if entry.record_id in known:
                raise already_there(entry, known[entry.record_id])

    def _committed(self, connection: Connection, growth: Growth) -> Tip | None:
        """The tip of an append whose outcome nobody told us, if it is there; others may have gone on from it."""
        current = self._verifying.tip(connection)
        past = self._past(connection, current)
        if past.size < growth.frontier.size or past.root_at(growth.frontier.size) != as_digest(growth.frontier.root):
            return None
        checkpoint = self._verifying.checkpoint_at(connection, growth.frontier.size)
        return Tip(self.origin, growth.frontier, growth.entries[-1].at, checkpoint) if growth.entries else current

    def _past(self, connection: Connection, tip: Tip) -> Past:
        def prove(of: Tip, size: int) -> Consistency:
            return prove_consistency(lambda places: fetch_nodes(connection, places), of, size)

        return Past(tip, prove)

    def _is_begun(self, connection: Connection) -> bool:
        """Whether there are tables. In PostgreSQL there must be: only the owner can make them."""
        return not self.database.is_sqlite or has_tables(connection)


def open_sql_store(
    url: DatabaseUrl,
    *,
    origin: str,
    keys: Sequence[PublicKey],
    former: Sequence[tuple[PublicKey, TreeHead]] = (),
    wait_s: float = WAIT_S,
) -> SqlStore:
    """The store of a ledger in a database; nothing is opened yet."""
    return SqlStore(Database(url, wait_s=wait_s), origin=origin, keys=keys, former=former)
