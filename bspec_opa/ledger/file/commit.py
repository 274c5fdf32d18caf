"""How an append becomes part of the log, in an order that leaves the old ledger or the new one, whatever fails.

The head is signed over what was just won; the append is put down as begun; lines come into the log; the checkpoint
comes into its place. An error on the way is taken back. A kill is not: the next writer completes what was begun.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.files import read_bounded, write_atomic
from bspec_opa.ledger.checkpoint import MAX_CHECKPOINT_BYTES
from bspec_opa.ledger.file.begun import Begun, BegunFile
from bspec_opa.ledger.file.handle import system_errors, truncate, write_all

if TYPE_CHECKING:
    from bspec_opa.ledger.checkpoint import Signer
    from bspec_opa.ledger.file.view import Open
    from bspec_opa.ledger.growth import Growth
    from bspec_opa.ledger.interface import Tip


def commit(log: Open, growth: Growth, signer: Signer, checkpoint: Path, begun_file: BegunFile) -> Tip:
    """Sign, put down, write.

    Args:
        log: open for appending, with nothing begun in it.
        growth: what is appended.
        signer: the ledger key.
        checkpoint: the head's file.
        begun_file: where it is put down.

    Raises:
        StoreError: it can't be written. Nothing was recorded, unless taking it back failed, too: then the next writer
            completes it.
        TrustError: no good signature came back.
    """
    tip = growth.signed(signer)
    assert tip.checkpoint is not None  # noqa: S101 - signed gives one
    begun = Begun(log.length, tip.checkpoint, growth.lines)
    try:
        begun_file.write(begun)
        _write(log, begun.body, begun, checkpoint)
    except BaseException:  # an interrupt, too: what was not finished is taken back
        _take_back(log, begun, checkpoint, begun_file)
        raise
    begun_file.remove()
    return tip


def complete(log: Open, begun: Begun, length: int, checkpoint: Path, begun_file: BegunFile) -> None:
    """Write what a killed writer has not written any more.

    Args:
        log: open for appending.
        begun: verified to follow the ledger.
        length: how long the log is: what it has after ``begun.start`` is a beginning of the lines.
        checkpoint: the head's file.
        begun_file: where it was put down.

    Raises:
        StoreError: it can't be written; it is as it was.
    """
    _write(log, begun.body[length - begun.start :], begun, checkpoint)
    begun_file.remove()


def _write(log: Open, lines: bytes, begun: Begun, checkpoint: Path) -> None:
    with system_errors(Path(log.name)):
        write_all(log.descriptor, lines)
    write_atomic(checkpoint, begun.checkpoint.to_bytes())


def _take_back(log: Open, begun: Begun, checkpoint: Path, begun_file: BegunFile) -> None:
    """Remove the lines that were just written, unless the checkpoint that covers them is out already."""
    with contextlib.suppress(OSError, BspecError):
        if read_bounded(checkpoint, MAX_CHECKPOINT_BYTES) == begun.checkpoint.to_bytes():
            return
        truncate(log.descriptor, log.length)
        begun_file.withdraw()
