"""From a log's bytes and its checkpoint to a verified state; says which row is wrong. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location
from bspec_opa.ledger.entry import MAX_ENTRY_BYTES, parse_entry
from bspec_opa.ledger.interface import LedgerState, Tip
from bspec_opa.ledger.merkle import leaf_hash, root_of
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
    from collections.abc import Callable, Iterable, Sequence

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.checkpoint import Checkpoint
    from bspec_opa.ledger.entry import Entry


def read_log(
    data: bytes,
    checkpoint: Checkpoint | None,
    origin: str,
    name: str,
    known_leaves: Callable[[], Sequence[bytes]] = tuple,
) -> LedgerState:
    """The state that a log and its checkpoint give; the checkpoint's signature is the caller's to verify.

    Args:
        data: the log.
        checkpoint: the tree head; None if there is no such file.
        origin: the ledger's name.
        name: the log's name, for errors.
        known_leaves: leaf hashes noted at writing. They only serve to name an altered row, and only if they give
            the signed root themselves.

    Raises:
        TrustError: any deviation; the entry is named where that can be told (attacks A52, A54, A81).
    """
    if checkpoint is None:
        if data:
            raise NO_CHECKPOINT.error("has no checkpoint beside it", hint="restore the checkpoint", at=Location(name))
        return LedgerState(origin)
    lines, rest = split_lines(data)
    covered = lines[: checkpoint.size]
    entries = tuple(_entries(covered, name))
    if len(covered) < checkpoint.size:
        raise _truncated(len(covered), checkpoint.size, cut=bool(rest), name=name)
    leaves = tuple(leaf_hash(line) for line in covered)
    frontier, _ = Frontier().extended(leaves)
    if frontier.root != checkpoint.root:
        raise ALTERED.error(_altered_rows(leaves, checkpoint.root, known_leaves()), at=Location(name))
    if len(lines) > checkpoint.size or rest:
        raise _tail(checkpoint.size, cut=len(lines) == checkpoint.size, name=name)
    last_at = entries[-1].at if entries else 0
    return LedgerState(origin, entries, leaves, Tip(origin, frontier, last_at, checkpoint))


def split_lines(data: bytes) -> tuple[list[bytes], bytes]:
    """Complete lines without their LF, and what follows the last LF."""
    *lines, rest = data.split(b"\n")
    return lines, rest


def covered_length(data: bytes, size: int) -> int:
    """How many bytes the first ``size`` lines take."""
    lines, _ = split_lines(data)
    return sum(len(line) + 1 for line in lines[:size])


def _entries(lines: Iterable[bytes], name: str) -> Iterable[Entry]:
    last = 0
    seen: dict[Digest, int] = {}
    for seq, line in enumerate(lines):
        at = Location(name, seq + 1)
        if len(line) > MAX_ENTRY_BYTES:
            raise BAD_ENTRY.error(f"entry {seq} is larger than {MAX_ENTRY_BYTES} bytes", at=at)
        entry = parse_entry(line, seq, at)
        if entry.at < last:
            raise BAD_ENTRY.error(f"entry {seq} was sequenced before the one ahead of it", at=at)
        if entry.record_id in seen:
            raise DUPLICATE_RECORD.error(f"entry {seq} repeats the record of entry {seen[entry.record_id]}", at=at)
        last, seen[entry.record_id] = entry.at, seq
        yield entry


def _truncated(found: int, size: int, *, cut: bool, name: str) -> Exception:
    what = f"entry {found} is cut off" if cut else f"entry {found} is missing"
    return TRUNCATED.error(
        f"{what}; the checkpoint covers {size} entries", hint="restore the log", at=Location(name, found + 1)
    )


def _altered_rows(leaves: Sequence[bytes], root: bytes, known: Sequence[bytes]) -> str:
    if len(known) == len(leaves) and root_of(known) == root:
        rows = [str(seq) for seq, (a, b) in enumerate(zip(leaves, known, strict=True)) if a != b]
        return f"changed since it was signed: entry {', '.join(rows[:20])}"
    return "a row was changed since it was signed; which one can't be told"


def _tail(size: int, *, cut: bool, name: str) -> Exception:
    what = f"entry {size} is incomplete" if cut else f"entry {size} and what follows is not covered by the checkpoint"
    return UNCHECKPOINTED_TAIL.error(
        what,
        hint="look at it; repair moves it aside and never signs it",
        at=Location(name, size + 1),
    )
