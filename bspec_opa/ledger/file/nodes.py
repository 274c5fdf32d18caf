"""The side file ``nodes``: complete Merkle nodes in the order in which they became complete, 32 bytes each.

An append adds to its end, and a node's place follows from its level and index alone. Nothing is believed of it: who
uses a node holds what comes out against the signed root.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from bspec_opa.ledger.merkle import HASH_SIZE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from bspec_opa.ledger.nodes import Node
    from bspec_opa.ledger.proving import Place


def count_of(size: int) -> int:
    """How many complete nodes a tree has, leaves included."""
    return 2 * size - size.bit_count()


def position_of(level: int, index: int) -> int:
    """Where a node is among all: it became complete with its last leaf, after those below it."""
    return count_of(((index + 1) << level) - 1) + level


class NodeFile:
    """Complete nodes in a file; nothing is opened until it is used."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        self.path = path

    def fetch(self, places: Collection[Place]) -> Mapping[Place, bytes]:
        """The nodes at some places; those that are not there are left out."""
        found: dict[Place, bytes] = {}
        with contextlib.suppress(OSError), _opened(self.path, os.O_RDONLY) as descriptor:
            for place in places:
                value = os.pread(descriptor, HASH_SIZE, position_of(*place) * HASH_SIZE)
                if len(value) == HASH_SIZE:
                    found[place] = value
        return found

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """Leaf hashes as they were noted, from one number to before another; none if they are not all there."""
        first, last = count_of(start), count_of(end)
        try:
            with _opened(self.path, os.O_RDONLY) as descriptor:
                data = os.pread(descriptor, (last - first) * HASH_SIZE, first * HASH_SIZE)
        except OSError:
            return ()
        places = [(count_of(seq) - first) * HASH_SIZE for seq in range(start, end)]
        leaves = [data[at : at + HASH_SIZE] for at in places]
        return leaves if all(len(x) == HASH_SIZE for x in leaves) else ()

    def add(self, size: int, nodes: Iterable[Node]) -> None:
        """Write the nodes that became complete after ``size`` entries; what stands there already was never covered.

        Raises:
            OSError: they can't be written.
        """
        data = b"".join(n.value for n in nodes)
        with _opened(self.path, os.O_WRONLY | os.O_CREAT) as descriptor:
            at = count_of(size) * HASH_SIZE
            while data:
                written = os.pwrite(descriptor, data, at)
                data, at = data[written:], at + written


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    # A pipe of that name must not keep us waiting with the log locked.
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "is no regular file")
        yield descriptor
    finally:
        os.close(descriptor)
