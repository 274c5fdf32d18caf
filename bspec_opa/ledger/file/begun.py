"""An append that was begun: what a writer puts down before it touches the log, so that a kill leaves nothing in doubt.

The file ``begun`` holds where in the log the new lines start, the checkpoint that covers them, and the lines. It is in
place before the log is touched, and goes once the checkpoint is in place. What a kill leaves between the two is
completed from it by the next writer. That signs nothing: the ledger's key signed this very head when it was won. A
reader goes by the head that is in place. Lines after it that no such file explains are refused as ever (attack A81).
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import read_bounded, sync_directory, write_atomic
from bspec_opa.foundation.limits import MAX_APPEND_BYTES
from bspec_opa.ledger.checkpoint import parse_checkpoint
from bspec_opa.ledger.entry import parse_entry
from bspec_opa.ledger.file.view import answer
from bspec_opa.ledger.growth import growth_of
from bspec_opa.ledger.reasons import BAD_BEGUN, TOO_LARGE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bspec_opa.ledger.checkpoint import Checkpoint
    from bspec_opa.ledger.file.view import Open
    from bspec_opa.ledger.growth import Growth
    from bspec_opa.ledger.interface import Tip

_DIGITS = 15
# An entry's line has more by far: the names of its members, a payload and a signature.
_SHORTEST_LINE = 128


@dataclass(frozen=True, slots=True)
class Begun:
    """What was begun.

    Attributes:
        start: where its lines start in the log, in bytes: how long the log was before.
        checkpoint: the tree head that covers them, signed.
        lines: the lines without their LF.
    """

    start: int
    checkpoint: Checkpoint
    lines: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        """What comes into the log."""
        return b"".join(line + b"\n" for line in self.lines)

    def to_bytes(self) -> bytes:
        """The file: the place, the note, the lines. No line of a note begins as an entry's does."""
        return b"%d\n" % self.start + self.checkpoint.to_bytes() + self.body

    def growth(self, tip: Tip) -> Growth:
        """What it adds to the ledger that it was begun on.

        Raises:
            BspecError: it doesn't follow that ledger, or its entries don't give the signed head.
        """
        if tip.size + len(self.lines) != self.checkpoint.size:
            raise BAD_BEGUN.error(f"it doesn't follow a ledger of {tip.size} entries")
        places = enumerate(self.lines, tip.size)
        growth = growth_of(tip, [parse_entry(line, seq, Location("", seq + 1)) for seq, line in places])
        if growth.frontier.root != self.checkpoint.root or growth.lines != self.lines:
            raise BAD_BEGUN.error("its lines don't give the head that it has signed")
        return growth


def parse_begun(data: bytes, name: str) -> Begun:
    """What was begun from exactly its bytes; nothing of it is verified.

    Raises:
        TrustError: any deviation from the form.
    """
    start, _, rest = data.partition(b"\n")
    note, brace, lines = rest.partition(b"\n{")
    if not (start.isdigit() and len(start) <= _DIGITS and brace and lines.endswith(b"\n")):
        raise BAD_BEGUN.error("it is not whole", at=Location(name))
    if lines.count(b"\n") > len(data) // _SHORTEST_LINE:  # before each of them becomes an object
        raise BAD_BEGUN.error("it has lines that are no entries", at=Location(name))
    try:
        checkpoint = parse_checkpoint(note + b"\n", name)
    except BspecError as e:
        raise BAD_BEGUN.error(e.problems[0].message, at=Location(name)) from e
    found = Begun(int(start), checkpoint, tuple((b"{" + lines[:-1]).split(b"\n")))
    if found.to_bytes() != data:
        raise BAD_BEGUN.error("it has another form", at=Location(name))
    return found


class BegunFile:
    """Where it is put down."""

    def __init__(self, path: Path) -> None:
        """Name the file."""
        self.path = path

    def read(self) -> Begun | None:
        """What was begun, nothing of it verified; None if there is no such file.

        Raises:
            TrustError: it is not what a writer puts there.
        """
        if not os.path.lexists(self.path):
            return None
        try:
            if self.path.lstat().st_size > MAX_APPEND_BYTES:  # not a byte of it is read
                raise BAD_BEGUN.error(f"larger than {MAX_APPEND_BYTES} bytes", at=Location(str(self.path)))
            data = read_bounded(self.path, MAX_APPEND_BYTES)
        except BspecError as e:
            raise BAD_BEGUN.error(e.problems[0].message, at=Location(str(self.path))) from e
        return parse_begun(data, str(self.path))

    def write(self, begun: Begun) -> None:
        """Put it down, durably.

        Raises:
            StoreError: it can't be written, or is more than a reader would take.
        """
        data = begun.to_bytes()
        if len(data) > MAX_APPEND_BYTES:
            message = f"so many entries at once are more than {MAX_APPEND_BYTES} bytes"
            raise TOO_LARGE.error(message, hint="append them in several portions", at=Location(str(self.path)))
        write_atomic(self.path, data)

    def remove(self) -> None:
        """It is done: what is left of the file after a power failure is older than the head, and counts for nothing."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def withdraw(self) -> None:
        """It is not to be done, which has to be as durable as that it was begun.

        Raises:
            OSError: nobody knows; then the next writer does it.
        """
        self.path.unlink(missing_ok=True)
        sync_directory(self.path.parent)


def before(log: Open, begun: Begun, verify: Callable[[Checkpoint, str], None]) -> tuple[Open, Growth]:
    """The log as it was before an append that was begun, and what that adds to it.

    Args:
        log: the whole log.
        begun: over more entries than the log's checkpoint covers.
        verify: raises unless a ledger key has signed a checkpoint.

    Raises:
        TrustError: it was not begun by the ledger's key on this ledger, or the log goes on in another way.
    """
    at = Location(log.name)
    more, body = log.length - begun.start, begun.body
    if not 0 <= more <= len(body) or os.pread(log.descriptor, more, begun.start) != body[:more]:
        raise BAD_BEGUN.error("the log goes on in another way than was begun", at=at)
    earlier = replace(log, length=begun.start)
    tip = answer(earlier, lambda view: view.tip)
    try:
        verify(begun.checkpoint, log.name)
        return earlier, begun.growth(tip)
    except BspecError as e:
        raise BAD_BEGUN.error(e.problems[0].message, at=at) from e
