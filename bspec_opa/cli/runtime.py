"""What a command needs from the world: environment, clock, randomness and streams, handed in so that tests can."""

from __future__ import annotations

import codecs
import io
import os
import secrets
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_PLAIN = {"→": "->", "…": "...", "·": "|", "≥": ">="}
_FALLBACK = "bspec-opa-plain"


class OutputFailedError(Exception):
    """Results can't be written; the cause says why. Kept apart from faults of files that somebody named."""


def system_clock() -> int:
    """The time in whole Unix seconds. A function with a name, so that it can be handed to another process."""
    return int(time.time())


@dataclass(frozen=True, slots=True)
class Runtime:
    """The world of one command.

    Attributes:
        environ: environment variables.
        clock: the current time in Unix seconds.
        nonce: random lower-case hexadecimal of so many bytes.
        out: where results go.
        err: where everything else goes.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    clock: Callable[[], int] = field(default=system_clock)
    nonce: Callable[[int], str] = field(default=secrets.token_hex)
    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)

    def colour(self) -> bool:
        """Whether results may be coloured: a terminal and no ``NO_COLOR`` (https://no-color.org)."""
        return self.out.isatty() and not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"

    def write(self, text: str) -> None:
        """Write a part of the results.

        Raises:
            OutputFailedError: standard output is full or its reader gone.
        """
        with _writing():
            self.out.write(text)

    def write_bytes(self, data: bytes) -> None:
        """Write exact UTF-8 bytes as results, whatever the terminal's encoding is.

        Raises:
            OutputFailedError: as :meth:`write`.
        """
        with _writing():
            if isinstance(self.out, io.TextIOWrapper):
                self.out.flush()
                self.out.buffer.write(data)
            else:
                self.out.write(data.decode())

    def flush(self) -> None:
        """Write what is still held back.

        Raises:
            OutputFailedError: as :meth:`write`.
        """
        with _writing():
            self.out.flush()


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise OutputFailedError from e


def tolerate(stream: TextIO) -> None:
    """Let a stream whose encoding lacks a character write something near it instead of failing."""
    codecs.register_error(_FALLBACK, _plain)
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=_FALLBACK)


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - only ever registered for writing
    text = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in text), error.end
