"""An export as a ledger that is only read: nothing in it is believed that doesn't give the signed root."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import read_bounded
from bspec_opa.ledger.checkpoint import MAX_CHECKPOINT_BYTES, parse_checkpoint
from bspec_opa.ledger.entry import parse_entry
from bspec_opa.ledger.interface import EMPTY, LedgerState, Tip
from bspec_opa.ledger.log import altered_rows
from bspec_opa.ledger.merkle import HASH_SIZE
from bspec_opa.ledger.proving import Place, prove_consistency, prove_frontier, prove_inclusion
from bspec_opa.ledger.reasons import ALTERED, BAD_ENTRY, NO_CHECKPOINT, NODES_ALTERED, TRUNCATED, UNCHECKPOINTED_TAIL
from bspec_opa.ledger.tiles.layout import (
    ENTRIES,
    HEIGHT,
    LARGE_ENTRIES,
    MAX_BUNDLE_BYTES,
    PREFIX_SIZE,
    WIDTH,
    tile_path,
    unbundled,
    width_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from bspec_opa.ledger.checkpoint import Checkpoint
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.interface import Consistency, Inclusion
    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.revocation import TreeHead


class TileReader:
    """A ledger in the files of C2SP tlog-tiles; implements :class:`bspec_opa.ledger.readable.Readable`."""

    def __init__(
        self,
        directory: Path,
        *,
        origin: str,
        keys: Sequence[PublicKey],
        former: Sequence[tuple[PublicKey, TreeHead]] = (),
    ) -> None:
        """Name an export; nothing is opened yet.

        Args:
            directory: holds ``checkpoint`` and ``tile``.
            origin: the ledger's name, from the trust root.
            keys: keys whose signature on a checkpoint counts, from the trust root.
            former: revoked keys, each with the one tree head that it still vouches for.
        """
        self.directory = directory
        self.origin = origin
        self.keys = tuple(keys)
        self.former = tuple(former)

    def head(self) -> Checkpoint:
        """The checkpoint, its signature verified.

        Raises:
            TrustError: there is none, or it is not this ledger's.
        """
        path = self.directory / "checkpoint"
        if not os.path.lexists(path):
            raise NO_CHECKPOINT.error("an export has a checkpoint", at=Location(str(path)))
        found = parse_checkpoint(read_bounded(path, MAX_CHECKPOINT_BYTES), str(path))
        found.verify(self.origin, self.keys, str(path), self.former)
        return found

    def read(self) -> LedgerState:
        """The whole ledger, verified."""
        head = self.head()
        entries = tuple(self._entries(head.size, 0))
        leaves = tuple(e.leaf_hash() for e in entries)
        frontier, _ = EMPTY.extended(leaves)
        if frontier.root != head.root:
            told = altered_rows(leaves, head.root, self.leaves(0, head.size))
            raise ALTERED.error(told, at=Location(str(self.directory)))
        last_at = entries[-1].at if entries else 0
        return LedgerState(self.origin, entries, leaves, Tip(self.origin, frontier, last_at, head))

    def tip(self) -> Tip:
        """Its end: the tiles give the signed root, and the last entry is the last leaf under it."""
        head = self.head()
        frontier = prove_frontier(self.fetch, head.size, head.root)
        if not head.size:
            return Tip(self.origin, frontier, 0, head)
        tip = Tip(self.origin, frontier, 0, head)
        (last,) = self._entries(head.size, head.size - 1)
        if prove_inclusion(self.fetch, tip, last.seq).leaf != last.leaf_hash():
            raise ALTERED.error(f"changed since it was signed: entry {last.seq}", at=Location(str(self.directory)))
        return Tip(self.origin, frontier, last.at, head)

    def scan(self, start: int = 0) -> Iterator[Entry]:
        """The covered entries, one by one."""
        yield from self._entries(self.head().size, start)

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """Leaf hashes from the tiles of level 0; none if they are not all there."""
        size = self.head().size
        found: list[bytes] = []
        for index in range(start // WIDTH, -(-end // WIDTH)):
            found += self._hashes(0, index, size)
        first = start // WIDTH * WIDTH
        leaves = found[start - first : end - first]
        return leaves if len(leaves) == end - start else ()

    def inclusion(self, tip: Tip, seq: int) -> Inclusion:
        """Proof that an entry is in the tree of a tip."""
        return prove_inclusion(self.fetch, tip, seq)

    def consistency(self, tip: Tip, size: int) -> Consistency:
        """Proof that a tree goes on from a smaller one."""
        return prove_consistency(self.fetch, tip, size)

    def fetch(self, places: Collection[Place]) -> Mapping[Place, bytes]:
        """Complete nodes, hashed from the tiles that have them; those that are not there are left out."""
        size, tiles, found = self.head().size, dict[Place, list[bytes]](), dict[Place, bytes]()
        for level, index in places:
            stage, inside = divmod(level, HEIGHT)
            first, count = index << inside, 1 << inside
            tile = (stage, first // WIDTH)
            if tile not in tiles:
                tiles[tile] = self._hashes(*tile, size)
            hashes = tiles[tile][first % WIDTH : first % WIDTH + count]
            if len(hashes) == count:
                found[level, index] = EMPTY.extended(hashes)[0].root
        return found

    def require_tile(self, path: str, data: bytes) -> None:
        """Hold a tile against what the entries make of it.

        Raises:
            TrustError: it is another, or missing.
        """
        if self._file(path, WIDTH * HASH_SIZE) != data:
            at = Location(str(self.directory / path))
            raise NODES_ALTERED.error("is not the tile that the entries give", at=at)

    def _hashes(self, level: int, index: int, size: int) -> list[bytes]:
        width = width_of(level, index, size)
        data = self._file(tile_path(level, index, width), WIDTH * HASH_SIZE) if width > 0 else b""
        return [data[i : i + HASH_SIZE] for i in range(0, len(data) - HASH_SIZE + 1, HASH_SIZE)]

    def _entries(self, size: int, start: int) -> Iterator[Entry]:
        last = 0
        for index in range(start // WIDTH, -(-size // WIDTH)):
            name, leaves = self._bundle(index, min(WIDTH, size - index * WIDTH))
            for seq in range(max(start, index * WIDTH), min(size, (index + 1) * WIDTH)):
                at = Location(name)
                if seq - index * WIDTH >= len(leaves):
                    raise TRUNCATED.error(f"entry {seq} is missing; the checkpoint covers {size} entries", at=at)
                entry = parse_entry(leaves[seq - index * WIDTH], seq, at)
                if entry.at < last:
                    raise BAD_ENTRY.error(f"entry {seq} was sequenced before entry {seq - 1} ahead of it", at=at)
                last = entry.at
                yield entry

    def _bundle(self, index: int, width: int) -> tuple[str, list[bytes]]:
        for kind in (ENTRIES, LARGE_ENTRIES):
            path = tile_path(kind, index, width)
            if os.path.lexists(self.directory / path):
                name, data = str(self.directory / path), self._file(path, MAX_BUNDLE_BYTES)
                return name, _exactly(width, list(unbundled(kind, data)), len(data), PREFIX_SIZE[kind], name)
        return str(self.directory / tile_path(ENTRIES, index, width)), []

    def _file(self, path: str, limit: int) -> bytes:
        """A file's bytes; none where it can't be read: what is missing then is said by whom it is missing for."""
        try:
            return read_bounded(self.directory / path, limit)
        except BspecError:
            return b""


def _exactly(width: int, leaves: list[bytes], length: int, prefix: int, name: str) -> list[bytes]:
    """The entries of a bundle, which ends with the last one of its width; fewer are for the caller to miss.

    Raises:
        TrustError: something follows that no checkpoint covers.
    """
    if len(leaves) >= width and length != sum(prefix + len(leaf) for leaf in leaves[:width]):
        message = f"more follows the {width} entries that the checkpoint covers here"
        raise UNCHECKPOINTED_TAIL.error(message, hint="get the export again", at=Location(name))
    return leaves
