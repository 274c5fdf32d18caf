"""Many entries as several appends: each no more than any store takes at once, all in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.limits import MAX_APPEND_BYTES
from bspec_opa.ledger.checkpoint import MAX_CHECKPOINT_BYTES
from bspec_opa.ledger.entry import MAX_ENTRY_BYTES
from bspec_opa.ledger.reasons import TOO_LARGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bspec_opa.ledger.entry import Entry

ROOM = MAX_APPEND_BYTES - 2 * MAX_CHECKPOINT_BYTES
"""Bytes of lines, with their LF, beside the head that an append puts down together with them.

How many lines that are needs no bound of its own: what an append puts down may have as many as an entry's least
length allows.
"""


def portions(entries: Iterable[Entry], most: int | None = None) -> Iterator[tuple[Entry, ...]]:
    """What one append takes at once, in order; none of them is empty.

    Args:
        entries: in the order in which they are appended.
        most: entries in one portion; None for as many as there is room for.

    Raises:
        StoreError: no append takes one of them, however few there are; it is named.
    """
    portion: list[Entry] = []
    size = 0
    for entry in entries:
        more = _length(entry)
        if portion and (len(portion) == most or size + more > ROOM):
            yield tuple(portion)
            portion, size = [], 0
        portion.append(entry)
        size += more
    if portion:
        yield tuple(portion)


def _length(entry: Entry) -> int:
    length, limit = len(entry.leaf()), min(MAX_ENTRY_BYTES, ROOM - 1)
    if length > limit:
        message = f"the {entry.kind} {entry.record_id} is an entry of {length} bytes, and one has {limit} at most"
        raise TOO_LARGE.error(message)
    return length + 1
