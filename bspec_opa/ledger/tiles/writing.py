"""Writes a ledger as C2SP tlog-tiles, which any web server can serve, and checks all tiles of one."""

from __future__ import annotations

import contextlib
import os
import secrets
from itertools import islice
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.files import make_directory, read_bounded, write_atomic
from bspec_opa.ledger.readable import check_entries
from bspec_opa.ledger.reasons import FORKED, UNWRITABLE
from bspec_opa.ledger.tiles.layout import MAX_BUNDLE_BYTES, WIDTH, Tiling, bundle_of, tile_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bspec_opa.ledger.interface import Tip
    from bspec_opa.ledger.readable import Readable
    from bspec_opa.ledger.tiles.reading import TileReader

    Put = Callable[[str, bytes], None]


def write_tiles(ledger: Readable, tip: Tip, directory: Path) -> int:
    """Write a verified ledger's files; those that are there already are left, for they never change.

    The checkpoint comes last: until then an earlier export goes on being one.

    Args:
        ledger: what to export.
        tip: its end.
        directory: where to; made if it isn't there.

    Returns:
        How many files were written.

    Raises:
        TrustError: the ledger doesn't verify, or the directory has files of another one.
        StoreError: it can't be written.
    """
    make_directory(directory)
    files = _Files(directory)
    for _ in tiled(ledger, tip, files.put, files.put):
        pass
    if tip.checkpoint is not None:
        write_atomic(directory / "checkpoint", tip.checkpoint.to_bytes())
    return files.written + 1


def check_tiles(export: TileReader, tip: Tip) -> None:
    """Hold an export's entries against its signed root, and then all its tiles against its entries.

    Raises:
        TrustError: an entry or a tile is missing or another; the first one is named.
    """
    tiles: list[tuple[str, bytes]] = []
    for _ in tiled(export, tip, lambda path, data: tiles.append((path, data)), lambda _path, _data: None):
        pass
    for path, data in tiles:
        export.require_tile(path, data)


def tiled(ledger: Readable, tip: Tip, tile: Put, bundle: Put) -> Iterator[int]:
    """Check all entries and hand out tiles and bundles on the way; yields how many entries are done."""
    tiling, done = Tiling(), 0
    entries = check_entries(ledger, tip)
    while batch := list(islice(entries, WIDTH)):
        lines = [e.leaf() for e in batch]
        kind, data = bundle_of(lines)
        bundle(tile_path(kind, done // WIDTH, len(batch)), data)
        for path, hashes in tiling.add(e.leaf_hash() for e in batch):
            tile(path, hashes)
        done += len(batch)
        yield done
    for path, hashes in tiling.rest():
        tile(path, hashes)


class _Files:
    """Files that are written once. None is flushed by itself: the checkpoint after them says what has to be there."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made: set[Path] = set()
        self.written = 0

    def put(self, path: str, data: bytes) -> None:
        target = self._directory / path
        if os.path.lexists(target):
            if read_bounded(target, MAX_BUNDLE_BYTES) != data:
                raise FORKED.error("belongs to another history than this ledger's", at=Location(str(target)))
            return
        if target.parent not in self._made:
            make_directory(target.parent)
            self._made.add(target.parent)
        temporary = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            temporary.write_bytes(data)
            temporary.replace(target)
        except OSError as e:
            raise UNWRITABLE.error(f"can't be written: {e.strerror}", at=Location(str(target))) from e
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        self.written += 1
