"""Takes a ledger out of its store as static files, and into another store."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.ledger.copying import copy_ledger
from bspec_opa.ledger.interface import Past, as_digest, require_descent
from bspec_opa.ledger.tiles.reading import TileReader
from bspec_opa.ledger.tiles.writing import write_tiles
from bspec_opa.ledger.witness.quorum import cosignatures
from bspec_opa.workflow.checkout.memory import check_memory
from bspec_opa.workflow.ledger.place import open_named, own_store
from bspec_opa.workflow.ledger.verifying import begun_tip

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.ledger.checkpoint import Signer
    from bspec_opa.ledger.interface import Store, Tip
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.ledger.place import Authority, Named


@dataclass(frozen=True, slots=True)
class Moved:
    """A ledger that is somewhere else now, too.

    Attributes:
        source: where it was, as it was named.
        target: where it is.
        tip: its end.
        added: how many files or entries are new there.
        cosigned: of an import, the witnesses whose cosignatures were carried over.
    """

    source: str
    target: str
    tip: Tip
    added: int
    cosigned: tuple[str, ...] = ()


def export_ledger(named: Named, directory: Path, authority: Authority) -> Moved:
    """Write a ledger as C2SP tlog-tiles; an earlier export in the directory is brought up to date.

    Raises:
        TrustError: the ledger doesn't verify, or the directory has an export of a newer or another one.
        StoreError: it can't be written.
    """
    tip = begun_tip(named)
    root = authority.anchor.root
    if os.path.lexists(directory / "checkpoint"):
        keys, former = root.checkpoint_keys(), root.former_checkpoint_keys()
        before = TileReader(directory, origin=root.ledger.origin, keys=keys, former=former).head()
        require_descent(Past(tip, named.ledger.consistency), before.size, as_digest(before.root))
    return Moved(named.place, str(directory), tip, write_tiles(named.ledger, tip, directory))


def import_ledger(named: Named, authority: Authority, signer: Signer) -> Moved:
    """Copy a ledger into the project's own store: the same entries, the same tree head, the same cosignatures.

    Raises:
        TrustError: it doesn't verify, is older than what was seen before, or the store has another history.
        StoreError: the store can't be written.
    """
    tip = begun_tip(named)
    check_memory(authority.anchor, Past(tip, named.ledger.consistency), authority.world.environ)
    target = open_named(None, authority)
    store = own_store(authority)
    copied, added = copy_ledger(named.ledger, tip, store, signer)
    return Moved(named.place, target.place, copied, added, _carried(tip, copied, store, authority.anchor.root))


def _carried(tip: Tip, copied: Tip, store: Store, root: TrustRoot) -> tuple[str, ...]:
    """Put the cosignatures of a head beside that of its copy; returns whose they are.

    Only those of the trust root's witnesses that are newer than what is there: lines of others could drive them out.
    """
    source, target, members = tip.checkpoint, copied.checkpoint, root.cosigners()
    if source is None or target is None or source.text != target.text:
        return ()
    there = {c.witness.name: c.at for c in cosignatures(target, members)}
    newer = [c for c in cosignatures(source, members) if c.at > there.get(c.witness.name, -1)]
    if not newer or store.endorse(target, [c.signature for c in newer]) is None:
        return ()
    return tuple(c.witness.name for c in newer)
