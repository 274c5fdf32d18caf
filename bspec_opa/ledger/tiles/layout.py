"""Which files C2SP tlog-tiles has for a tree, what is in them, and what they are called. Pure.

A tile is up to 256 hashes of one level: level 0 has leaf hashes, each further one a hash for each full tile below. An
entry bundle has the 256 entries of a tile of level 0, each behind its length in two bytes. A bundle with an entry that
is longer than that can say stands under ``tile/entries-u32`` with lengths in four bytes, since other forms must be
served under other names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bspec_opa.ledger.entry import MAX_ENTRY_BYTES
from bspec_opa.ledger.interface import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

WIDTH = 256
"""Hashes of a full tile, entries of a full bundle."""
HEIGHT = 8
"""Levels of the tree from one level of tiles to the next."""
ENTRIES, LARGE_ENTRIES = "entries", "entries-u32"
PREFIX_SIZE = {ENTRIES: 2, LARGE_ENTRIES: 4}
_PREFIXED = 1 << 16
MAX_BUNDLE_BYTES = WIDTH * (MAX_ENTRY_BYTES + 4)


def tile_path(level: int | str, index: int, width: int) -> str:
    """Where a tile or, for the level ``entries``, a bundle stands below the export's directory."""
    groups = [f"{index % 1000:03d}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03d}")
    return f"tile/{level}/{'/'.join(groups)}" + (f".p/{width}" if width < WIDTH else "")


def width_of(level: int, index: int, size: int) -> int:
    """How many hashes a tile has in the tree of ``size`` leaves; none or fewer: there is no such tile."""
    return min(WIDTH, (size >> (HEIGHT * level)) - index * WIDTH)


def bundle_of(leaves: Sequence[bytes]) -> tuple[str, bytes]:
    """Whether a bundle is an ordinary or a large one, and its bytes."""
    kind = LARGE_ENTRIES if any(len(leaf) >= _PREFIXED for leaf in leaves) else ENTRIES
    return kind, b"".join(len(leaf).to_bytes(PREFIX_SIZE[kind]) + leaf for leaf in leaves)


def unbundled(kind: str, data: bytes) -> Iterator[bytes]:
    """The entries of a bundle as far as they are whole."""
    prefix, at = PREFIX_SIZE[kind], 0
    while at + prefix <= len(data):
        end = at + prefix + int.from_bytes(data[at : at + prefix])
        if end > len(data):
            return
        yield data[at + prefix : end]
        at = end


@dataclass(slots=True)
class Tiling:
    """Cuts leaves into tiles, whatever their number, with at most one unfinished tile a level in memory."""

    _levels: list[list[bytes]] = field(default_factory=list)
    _counts: list[int] = field(default_factory=list)

    def add(self, leaves: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
        """The tiles that are full now: path and bytes."""
        for leaf in leaves:
            yield from self._put(0, leaf)

    def rest(self) -> Iterator[tuple[str, bytes]]:
        """The tiles that are not full."""
        for level, (hashes, count) in enumerate(zip(self._levels, self._counts, strict=True)):
            if hashes:
                yield tile_path(level, count, len(hashes)), b"".join(hashes)

    def _put(self, level: int, value: bytes) -> Iterator[tuple[str, bytes]]:
        if level == len(self._levels):
            self._levels.append([])
            self._counts.append(0)
        hashes = self._levels[level]
        hashes.append(value)
        if len(hashes) == WIDTH:
            yield tile_path(level, self._counts[level], WIDTH), b"".join(hashes)
            self._counts[level] += 1
            root = EMPTY.extended(hashes)[0].root
            hashes.clear()
            yield from self._put(level + 1, root)
