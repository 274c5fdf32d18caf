"""Whether a file's bytes are others than when it was last looked at.

A file is compared by its content. What the file system says about it only spares reading it again, and is believed
only once it is older than the clocks of file systems are coarse, and not for long.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.foundation.files import read_bounded

if TYPE_CHECKING:
    from collections.abc import Callable

COARSE_NS = 2_000_000_000
"""Two changes within this time may leave the same times behind, on the coarsest file systems."""
AGAIN_NS = 30_000_000_000
"""However old it looks, a file is read again after this time."""

Stamp = tuple[int, int, int, int, int]


class Watched:
    """One file.

    Args:
        path: links are followed: this is how Kubernetes mounts what it renews.
        limit: bytes that it may have.
        clock: Unix time in nanoseconds, as the file system tells it.
    """

    def __init__(self, path: Path, limit: int, clock: Callable[[], int]) -> None:
        self.path = path
        self._limit = limit
        self._clock = clock
        self._digest = b""
        self._stamp: Stamp | None = None
        self._read_at = 0

    def look(self) -> bytes | None:
        """Its bytes if they are others than last time, else None.

        Raises:
            InvalidInputError: it can't be read or is too large; what it was before still counts as seen.
        """
        now = self._clock()
        stamp = _stamp(self.path)
        if stamp is not None and stamp == self._stamp and abs(now - self._read_at) < AGAIN_NS:
            return None
        data = read_bounded(Path(os.path.realpath(self.path)), self._limit)
        # The stamp is from before reading: a change while it was read has another one.
        self._stamp = stamp if stamp is not None and abs(now - max(stamp[3:])) > COARSE_NS else None
        self._read_at = now
        digest = sha256(data).digest()
        if digest == self._digest:
            return None
        self._digest = digest
        return data


def _stamp(path: Path) -> Stamp | None:
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None  # Reading it says why.
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
