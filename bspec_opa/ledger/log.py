"""From a log's lines and its checkpoint to verified entries, line by line; says which row is wrong. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bspec_opa.foundation.errors import Location
from bspec_opa.ledger.entry import MAX_ENTRY_BYTES, Entry, parse_entry
from bspec_opa.ledger.interface import LedgerState, Tip
from bspec_opa.ledger.merkle import leaf_hash
from bspec_opa.ledger.nodes import Frontier
from bspec_opa.ledger.reasons import (
    ALTERED,
    BAD_ENTRY,
    DUPLICATE_RECORD,
    NO_CHECKPOINT,
    TRUNCATED,
    UNCHECKPOINTED_TAIL,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.checkpoint import Checkpoint

LINE_LIMIT = MAX_ENTRY_BYTES + 2
"""What is read of a line at most: an entry, its LF, and one byte that shows that it is too long."""


class Row(NamedTuple):
    """One verified line.

    Attributes:
        entry: the entry.
        leaf: its leaf hash.
        end: where the line ends in the log, in bytes from its beginning, LF included.
    """

    entry: Entry
    leaf: bytes
    end: int


UNTOLD = "which one can't be told"
"""What is said where nothing that was noted at writing gives the signed root."""


def none_noted(_start: int, _end: int) -> Sequence[bytes]:
    """No leaf hashes were noted."""
    return ()


def walk(
    lines: Iterable[bytes],
    checkpoint: Checkpoint | None,
    name: str,
    noted: Callable[[int, int], Sequence[bytes]] = none_noted,
) -> Iterator[Row]:
    """The entries of a whole log; what it yields counts once it has come to its end without an error.

    The checkpoint's signature is the caller's to verify.

    Args:
        lines: the log's lines with their LF, cut after ``LINE_LIMIT`` bytes.
        checkpoint: the tree head; None if there is no such file.
        name: the log's name, for errors.
        noted: leaf hashes noted at writing, from one number to before another. They only serve to name an altered
            row, and only if they give the signed root themselves.

    Raises:
        TrustError: any deviation; the entry is named where that can be told (attacks A52, A54, A81).
    """
    source = iter(lines)
    if checkpoint is None:
        if next(source, b""):
            raise NO_CHECKPOINT.error("has no checkpoint beside it", hint="restore the checkpoint", at=Location(name))
        return
    leaves: list[bytes] = []
    for row in rows(source, checkpoint.size, name):
        leaves.append(row.leaf)
        yield row
    if Frontier().extended(leaves)[0].root != checkpoint.root:
        told = altered_rows(leaves, checkpoint.root, noted(0, checkpoint.size))
        raise ALTERED.error(told, at=Location(name))
    rest = next(source, b"")
    if rest:
        raise _tail(checkpoint.size, cut=not rest.endswith(b"\n"), name=name)


def read_log(
    lines: Iterable[bytes],
    checkpoint: Checkpoint | None,
    origin: str,
    name: str,
    noted: Callable[[int, int], Sequence[bytes]] = none_noted,
) -> LedgerState:
    """The state that a log and its checkpoint give; see :func:`walk`."""
    entries, leaves = [], []
    for row in walk(lines, checkpoint, name, noted):
        entries.append(row.entry)
        leaves.append(row.leaf)
    frontier, _ = Frontier().extended(leaves)
    last_at = entries[-1].at if entries else 0
    return LedgerState(origin, tuple(entries), tuple(leaves), Tip(origin, frontier, last_at, checkpoint))


def rows(lines: Iterable[bytes], size: int, name: str, start: int = 0, end: int = 0) -> Iterator[Row]:
    """The entries that a checkpoint covers: form, number and time verified, and that no record is there twice.

    Args:
        lines: the log's lines with their LF from entry ``start`` on.
        size: how many entries the checkpoint covers.
        name: the log's name, for errors.
        start: the number of the first line.
        end: where the line before it ends.

    Raises:
        TrustError: an entry is missing, or another.
    """
    last = 0
    seen: dict[Digest, int] = {}
    source = iter(lines)
    for seq in range(start, size):
        line = next(source, b"")
        entry = _entry(line, seq, size, name)
        if entry.at < last:
            raise BAD_ENTRY.error(
                f"entry {seq} was sequenced before entry {seq - 1} ahead of it", at=Location(name, seq + 1)
            )
        if entry.record_id in seen:
            message = f"entry {seq} repeats the record of entry {seen[entry.record_id]}"
            raise DUPLICATE_RECORD.error(message, at=Location(name, seq + 1))
        last, seen[entry.record_id] = entry.at, seq
        end += len(line)
        yield Row(entry, leaf_hash(line[:-1]), end)


def _entry(line: bytes, seq: int, size: int, name: str) -> Entry:
    at = Location(name, seq + 1)
    if len(line.removesuffix(b"\n")) > MAX_ENTRY_BYTES:
        raise BAD_ENTRY.error(f"entry {seq} is larger than {MAX_ENTRY_BYTES} bytes", at=at)
    if not line.endswith(b"\n"):
        what = f"entry {seq} is cut off" if line else f"entry {seq} is missing"
        raise TRUNCATED.error(f"{what}; the checkpoint covers {size} entries", hint="restore the log", at=at)
    return parse_entry(line[:-1], seq, at)


def altered_rows(leaves: Sequence[bytes], root: bytes, known: Sequence[bytes]) -> str:
    """Which rows differ from those that were noted at writing, if what was noted gives the signed root."""
    if len(known) == len(leaves) and Frontier().extended(known)[0].root == root:
        rows = [str(seq) for seq, (a, b) in enumerate(zip(leaves, known, strict=True)) if a != b]
        return f"changed since it was signed: entry {', '.join(rows[:20])}"
    return f"a row was changed since it was signed; {UNTOLD}"


def _tail(size: int, *, cut: bool, name: str) -> Exception:
    what = f"entry {size} is incomplete" if cut else f"entry {size} and what follows is not covered by the checkpoint"
    return UNCHECKPOINTED_TAIL.error(
        what,
        hint="look at it; repair moves it aside and never signs it",
        at=Location(name, size + 1),
    )
