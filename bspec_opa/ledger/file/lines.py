"""The lines of an open log: from its beginning in bounded memory, from a place, and the last one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bspec_opa.foundation.limits import MAX_LEDGER_BYTES
from bspec_opa.ledger.entry import MAX_ENTRY_BYTES
from bspec_opa.ledger.log import LINE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

_BUFFER = 256 * 1024
_STEP = 4096


def length_of(descriptor: int) -> int:
    """How many bytes the log has."""
    return os.fstat(descriptor).st_size


def lines_from(descriptor: int, offset: int = 0, end: int = MAX_LEDGER_BYTES) -> Iterator[bytes]:
    """Lines with their LF, up to a place; a longer one than any entry comes in pieces. The descriptor stays open."""
    os.lseek(descriptor, offset, os.SEEK_SET)
    with os.fdopen(descriptor, "rb", buffering=_BUFFER, closefd=False) as file:
        while line := file.readline(min(LINE_LIMIT, end - offset)):
            offset += len(line)
            yield line


def last_line(descriptor: int, length: int) -> bytes | None:
    """The last line without its LF; None if the log doesn't end with a complete line of at most an entry's size."""
    tail = b""
    while len(tail) < length and len(tail) <= MAX_ENTRY_BYTES + 1 and b"\n" not in tail[:-1]:
        step = min(max(_STEP, len(tail)), length - len(tail))
        tail = os.pread(descriptor, step, length - len(tail) - step) + tail
    whole = len(tail) == length or b"\n" in tail[:-1]
    return tail[:-1].rpartition(b"\n")[2] if whole and tail.endswith(b"\n") else None


def line_at(descriptor: int, start: int, end: int) -> bytes:
    """The line between two places without its LF; empty if there is none of an entry's size."""
    if not 0 < end - start <= MAX_ENTRY_BYTES + 1:
        return b""
    line = os.pread(descriptor, end - start, start)
    return line[:-1] if line.endswith(b"\n") else b""
