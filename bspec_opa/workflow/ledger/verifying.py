"""Verifies a whole ledger, or an export of one, entry by entry and in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location, TrustError
from bspec_opa.ledger.interface import Past
from bspec_opa.ledger.readable import check_entries, verified_tip
from bspec_opa.ledger.reasons import NO_LEDGER, ROLLED_BACK
from bspec_opa.workflow.checkout.memory import check_memory
from bspec_opa.workflow.ledger.naming import named_by_signature

if TYPE_CHECKING:
    from bspec_opa.ledger.interface import Tip
    from bspec_opa.ledger.tiles.reading import TileReader
    from bspec_opa.workflow.ledger.place import Authority, Named


@dataclass(frozen=True, slots=True)
class Verified:
    """A ledger that verifies.

    Attributes:
        place: as it was named.
        export: whether it is an export.
        tip: its end.
        notes: what was not checked, one line each.
    """

    place: str
    export: bool
    tip: Tip
    notes: tuple[str, ...]


def verify_ledger(named: Named, authority: Authority) -> Verified:
    """Hold every entry against the signed root, an export's tiles against its entries, and the head against memory.

    Raises:
        TrustError: anything doesn't verify; the first bad entry is named.
        UsageError: there is nothing to verify.
    """
    try:
        tip = _verified_tip(named)
    except TrustError as e:
        raise named_by_signature(e, named, authority.anchor.roots) from e
    return Verified(named.place, named.export is not None, tip, _remembered(named, tip, authority))


def _verified_tip(named: Named) -> Tip:
    if named.export is not None:
        return _verified_export(named.export)
    tip = begun_tip(named)
    for _ in check_entries(named.ledger, tip):
        pass
    return tip


def _verified_export(export: TileReader) -> Tip:
    from bspec_opa.ledger.tiles.writing import check_tiles

    try:
        tip = verified_tip(export)
    except TrustError:
        check_tiles(export, export.read().tip)  # the entries are right: it is a tile, which this names
        raise
    check_tiles(export, tip)
    return tip


def begun_tip(named: Named) -> Tip:
    """The end of a ledger that somebody has begun; nothing at all is nothing verified.

    Raises:
        TrustError: it doesn't verify.
        UsageError: nobody has written it yet.
    """
    tip = verified_tip(named.ledger)
    if tip.checkpoint is None:
        raise NO_LEDGER.error("nothing has been written to it yet", at=Location(named.place))
    return tip


def _remembered(named: Named, tip: Tip, authority: Authority) -> tuple[str, ...]:
    """Compare with what this user has seen; a copy may be an older one, the project's own ledger may not."""
    try:
        return check_memory(authority.anchor, Past(tip, named.ledger.consistency), authority.world.environ)
    except TrustError as e:
        if named.own or e.code != ROLLED_BACK.code:
            raise
        return (f"it is an older copy: {e.problems[0].message}",)
