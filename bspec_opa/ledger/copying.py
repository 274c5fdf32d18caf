"""Copies a ledger from one store into another: the same entries, the same tree head."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location, StoreError
from bspec_opa.foundation.limits import REDECIDE_LIMIT
from bspec_opa.ledger.interface import Past, require_descent
from bspec_opa.ledger.portions import portions
from bspec_opa.ledger.readable import check_entries
from bspec_opa.ledger.reasons import ALTERED, RACE_LOST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.ledger.checkpoint import Signer
    from bspec_opa.ledger.interface import Store, Tip
    from bspec_opa.ledger.readable import Readable

PORTION = 256
"""Entries under one checkpoint on the way, or fewer, if these are more bytes than one append may put down."""


def copy_ledger(source: Readable, tip: Tip, target: Store, signer: Signer) -> tuple[Tip, int]:
    """Append to a store what it lacks of another ledger of the same name, after all of that has been verified.

    An interrupted copy is a smaller ledger of the same history; the next one goes on from there.

    Args:
        source: where the entries are.
        tip: its end.
        target: where to; empty, or a beginning of the same ledger.
        signer: the ledger key.

    Returns:
        The target's tip, whose root is the source's, and how many entries were added.

    Raises:
        TrustError: the source doesn't verify, or the target is no beginning of it.
        StoreError: the target can't be written, or somebody else appends to it.
    """
    for _ in check_entries(source, tip):
        pass
    begun = target.tip()
    for _ in range(REDECIDE_LIMIT - 1):
        with _again_if_raced():
            return _copied(source, tip, target, signer), tip.size - begun.size
    return _copied(source, tip, target, signer), tip.size - begun.size


def _copied(source: Readable, tip: Tip, target: Store, signer: Signer) -> Tip:
    """The target's tip once it has everything."""
    current = target.tip()
    require_descent(Past(tip, source.consistency), current.size, current.root_hash)
    for portion in portions(islice(source.scan(current.size), tip.size - current.size), PORTION):
        current = target.append(current, portion, signer)
    if current.root != tip.root:
        raise ALTERED.error("the entries that were copied are not those that were verified", at=Location(tip.origin))
    return current


@contextmanager
def _again_if_raced() -> Iterator[None]:
    """A race that was lost: another copy goes on at the same time, or a killed one's last append was completed."""
    try:
        yield
    except StoreError as e:
        if e.code != RACE_LOST.code:
            raise
