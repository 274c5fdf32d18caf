"""Two ways to answer for an open, locked log: quickly by its side files, or thoroughly by reading all of it.

The quick way believes the side files nothing: nodes have to give the signed root, and the log's last line has to be
the last leaf under that root. Where anything doesn't fit, the thorough way reads and verifies the log as it stands,
says what is wrong with it if it is the log, and makes the side files anew if it is them.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import write_atomic
from bspec_opa.ledger.entry import parse_entry
from bspec_opa.ledger.file.index import Located, StaleError
from bspec_opa.ledger.file.lines import last_line, line_at, lines_from
from bspec_opa.ledger.file.nodes import position_of
from bspec_opa.ledger.interface import EMPTY, Tip
from bspec_opa.ledger.log import walk
from bspec_opa.ledger.merkle import HASH_SIZE, leaf_hash, verify_inclusion
from bspec_opa.ledger.nodes import frontier_of, inclusion_from
from bspec_opa.ledger.proving import from_nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.checkpoint import Checkpoint
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.file.index import RecordIndex
    from bspec_opa.ledger.file.nodes import NodeFile
    from bspec_opa.ledger.proving import Place

_BATCH = 1024
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Open:
    """A log that is open and locked, with what belongs to it.

    Attributes:
        descriptor: the log.
        name: its name, for errors.
        length: how many of its bytes count: all, or those before an append that was only begun.
        origin: the ledger's name.
        checkpoint: its tree head, the signature verified; None if there is no such file.
        nodes: the side file of nodes.
        index: the side file of places.
    """

    descriptor: int
    name: str
    length: int
    origin: str
    checkpoint: Checkpoint | None
    nodes: NodeFile
    index: RecordIndex


class View(Protocol):
    """What answers for a log."""

    @property
    def tip(self) -> Tip:
        """Its verified end."""
        ...

    def fetch(self, places: Collection[Place]) -> Mapping[Place, bytes]:
        """Complete nodes, for proofs that are verified afterwards."""
        ...

    def find(self, records: Sequence[Digest]) -> list[int | None]:
        """The numbers of the entries with some records; None for one that is not there.

        Raises:
            StaleError: it takes the thorough way.
        """
        ...

    def start_of(self, seq: int) -> int:
        """Where an entry's line starts.

        Raises:
            StaleError: it takes the thorough way.
        """
        ...


@dataclass(frozen=True, slots=True)
class QuickView:
    """By the side files, in O(log n)."""

    log: Open
    tip: Tip
    last: Entry | None
    length: int

    def fetch(self, places: Collection[Place]) -> Mapping[Place, bytes]:
        """See :class:`View`."""
        return self.log.nodes.fetch(places)

    def find(self, records: Sequence[Digest]) -> list[int | None]:
        """See :class:`View`; what the index finds is confirmed in the log."""
        if self.last is None or not records:
            return [None] * len(records)
        places = list(self.log.index.find(records, self._end(), self.last.record_id))
        for record, place in zip(records, places, strict=True):
            if place is not None and self._entry(place).record_id != record:
                raise StaleError
        return [place and place.seq for place in places]

    def start_of(self, seq: int) -> int:
        """See :class:`View`."""
        if self.last is None:
            return 0
        found = self.log.index.locate(seq, self._end(), self.last.record_id)
        self._entry(found)
        return found.start

    def _end(self) -> Located:
        return Located(self.tip.size - 1, 0, self.length)

    def _entry(self, place: Located) -> Entry:
        line = line_at(self.log.descriptor, place.start, place.end)
        try:
            return parse_entry(line, place.seq, Location(self.log.name))
        except BspecError as e:
            raise StaleError from e


@dataclass(slots=True)
class ThoroughView:
    """By all of the log, in O(n) time and memory."""

    tip: Tip
    nodes: bytearray = field(default_factory=bytearray)
    ends: list[int] = field(default_factory=list)
    records: dict[Digest, int] = field(default_factory=dict)

    def fetch(self, places: Collection[Place]) -> Mapping[Place, bytes]:
        """See :class:`View`."""
        found = {}
        for place in places:
            at = position_of(*place) * HASH_SIZE
            if at < len(self.nodes):
                found[place] = bytes(self.nodes[at : at + HASH_SIZE])
        return found

    def find(self, records: Sequence[Digest]) -> list[int | None]:
        """See :class:`View`."""
        return [self.records.get(record) for record in records]

    def start_of(self, seq: int) -> int:
        """See :class:`View`."""
        return self.ends[seq - 1] if seq else 0


def answer(log: Open, question: Callable[[View], T]) -> T:
    """Quickly if the side files serve; thoroughly otherwise, which also says what is wrong with the log.

    Raises:
        TrustError: the log doesn't verify, or the question's own.
    """
    with contextlib.suppress(StaleError, BspecError):
        return question(quick_view(log))
    return question(thorough_view(log))


def quick_view(log: Open) -> QuickView:
    """The view by the side files.

    Raises:
        StaleError: they don't fit, or it is the log that is wrong.
        TrustError: likewise.
    """
    length, checkpoint = log.length, log.checkpoint
    if checkpoint is None or checkpoint.size == 0:
        if length or (checkpoint and checkpoint.root != EMPTY.root):
            raise StaleError
        return QuickView(log, Tip(log.origin, checkpoint=checkpoint), None, 0)
    size, root, line = checkpoint.size, checkpoint.root, last_line(log.descriptor, length)
    frontier, path = from_nodes(
        log.nodes.fetch, lambda nodes: (frontier_of(nodes, size), inclusion_from(nodes, size, size - 1))
    )
    if line is None or frontier.root != root or not verify_inclusion(leaf_hash(line), size - 1, size, path, root):
        raise StaleError
    entry = parse_entry(line, size - 1, Location(log.name))
    return QuickView(log, Tip(log.origin, frontier, entry.at, checkpoint), entry, length)


def thorough_view(log: Open) -> ThoroughView:
    """The view by the whole log, verified; the side files are made anew where they can be written.

    Raises:
        TrustError: the log doesn't verify; see :func:`~bspec_opa.ledger.log.walk`.
    """
    view = ThoroughView(Tip(log.origin))
    walked = walk(lines_from(log.descriptor, 0, log.length), log.checkpoint, log.name, log.nodes.leaves)
    rows, frontier, last_at = log.index.rebuild(walked), EMPTY, 0
    while batch := list(islice(rows, _BATCH)):
        frontier, fresh = frontier.extended(row.leaf for row in batch)
        view.nodes += b"".join(node.value for node in fresh)
        view.ends += (row.end for row in batch)
        view.records.update((row.entry.record_id, row.entry.seq) for row in batch)
        last_at = batch[-1].entry.at
    view.tip = Tip(log.origin, frontier, last_at, log.checkpoint)
    if log.checkpoint is not None:
        with contextlib.suppress(BspecError, OSError):
            write_atomic(log.nodes.path, bytes(view.nodes))
            log.nodes.path.with_name("leaves").unlink(missing_ok=True)  # what noted leaf hashes before this did
    return view
