"""Standard streams that are closed or full: no command loses its exit code, or its mind, to them."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

STANDARD = IN, OUT, ERR = 0, 1, 2


class Tolerant(io.TextIOBase):
    """Standard error: what can't be written to it is lost, and changes nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """As the stream's, if that is possible."""
        with contextlib.suppress(OSError, ValueError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """As the stream's, if that is possible."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def isatty(self) -> bool:
        """As the stream's."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """As the stream's."""
        return self._stream.fileno()


def closed_streams() -> frozenset[int]:
    """Which of the standard descriptors are closed; each is given to nothing.

    Otherwise the next file that is opened would get the number, and what is meant for people would be written into
    it: a ledger, for instance.
    """
    closed = frozenset(n for n in STANDARD if not _is_open(n))
    for _ in closed:
        os.open(os.devnull, os.O_RDWR)  # the lowest free number, so each of them in turn
    if IN in closed:
        sys.stdin = os.fdopen(IN, encoding="utf-8", closefd=False)
    if OUT in closed:
        sys.stdout = os.fdopen(OUT, "w", encoding="utf-8", closefd=False)
    if ERR in closed:
        sys.stderr = os.fdopen(ERR, "w", encoding="utf-8", closefd=False)
    return closed


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def settle(stream: TextIO) -> None:
    """Write what is held back, or drop it: the interpreter would end with a code of its own."""
    try:
        stream.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
