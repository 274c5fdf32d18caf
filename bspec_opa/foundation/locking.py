"""Advisory locks between processes of one host (``flock``), waited for within a bound.

The kernel releases such a lock when its process ends, however it ends: there is no stale lock to break.
"""

from __future__ import annotations

import fcntl
import time

_PAUSE_S = 0.002
"""Between two tries. Short, because a busy neighbour leaves only short gaps; a longer one starves."""


def lock_descriptor(descriptor: int, *, exclusive: bool, wait_s: float) -> bool:
    """Lock an open file until the descriptor is closed.

    Args:
        descriptor: of a file or directory; reading suffices, also for an exclusive lock.
        exclusive: against everybody; otherwise together with other readers.
        wait_s: how long to try, in seconds; at least one try is made.

    Returns:
        Whether the lock was got in time.
    """
    operation = (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, operation)
        except BlockingIOError:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_PAUSE_S, left))
        else:
            return True
