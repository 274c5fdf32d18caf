"""The log as an open file: locked, checked to be the one that is meant, written durably."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.limits import MAX_LEDGER_BYTES
from bspec_opa.foundation.locking import lock_descriptor
from bspec_opa.ledger.reasons import BUSY, TOO_LARGE, UNWRITABLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READING = os.O_RDONLY
WRITING = os.O_RDWR
APPENDING = os.O_RDWR | os.O_APPEND | os.O_CREAT


@contextlib.contextmanager
def opened(path: Path, flags: int, wait_s: float) -> Iterator[int]:
    """The log, open and locked: for writing against everybody, for reading together with other readers.

    Raises:
        FileNotFoundError: there is none.
        StoreError: it is busy, too large, no regular file, or can't be opened.
    """
    writing = flags & os.O_RDWR != 0
    with system_errors(path):
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    at = Location(str(path))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UNWRITABLE.error("is no regular file", at=at)
        if not lock_descriptor(descriptor, exclusive=writing, wait_s=wait_s):
            raise BUSY.error(f"another process holds it for more than {wait_s:g} s", at=at)
        if not is_still(descriptor, path):
            raise BUSY.error("the file was replaced while it was opened", hint="run it again", at=at)
        if os.fstat(descriptor).st_size > MAX_LEDGER_BYTES:
            raise TOO_LARGE.error(f"larger than {MAX_LEDGER_BYTES} bytes", at=at)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def system_errors(path: Path) -> Iterator[None]:
    """Turn what the system refuses into our own error."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as e:
        raise UNWRITABLE.error(f"can't be opened or written: {e.strerror}", at=Location(str(path))) from e


def is_still(descriptor: int, path: Path) -> bool:
    """Whether the open file is the one that the name stands for now."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def write_all(descriptor: int, data: bytes) -> None:
    """Write at the log's end, durably."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


def truncate(descriptor: int, length: int) -> None:
    """Cut the log, durably."""
    os.ftruncate(descriptor, length)
    os.fsync(descriptor)
