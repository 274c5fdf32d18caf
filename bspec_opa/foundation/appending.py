"""Files that several processes append lines to."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from bspec_opa.foundation.locking import lock_descriptor

if TYPE_CHECKING:
    from pathlib import Path

WAIT_S = 10.0
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def append_line(path: Path, line: bytes, *, mode: int = 0o600) -> None:
    """Append one line whole, or leave the file as it was.

    A line that another process left unfinished, because it was killed, is ended first. It is not flushed to the disk:
    after a power failure the last lines may be missing.

    Args:
        path: a regular file, made if it is missing.
        line: without a line end in it.
        mode: of a new file.

    Raises:
        OSError: not written; also for what is no regular file, a link, and a lock that somebody keeps.
        ValueError: no file name.
    """
    descriptor = os.open(path, _FLAGS, mode)
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(None, "not a regular file")
        if not lock_descriptor(descriptor, exclusive=True, wait_s=WAIT_S):
            raise OSError(None, f"another process has kept its lock for {WAIT_S:g} s")
        size = os.fstat(descriptor).st_size
        unfinished = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        try:
            _write(descriptor, (b"\n" if unfinished else b"") + line + b"\n")
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
