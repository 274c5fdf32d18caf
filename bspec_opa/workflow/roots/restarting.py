"""Going on after a stolen ledger key: the file ledger cut back to its last good tree, which the next key signs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from bspec_opa.foundation.digest import hex_of
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.files import write_atomic
from bspec_opa.ledger.checkpoint import Checkpoint, sign_checkpoint
from bspec_opa.ledger.file.handle import READING, opened
from bspec_opa.ledger.file.lines import lines_from
from bspec_opa.ledger.file_store import FileStore
from bspec_opa.ledger.log import read_log
from bspec_opa.ledger.reasons import CHECKPOINT_SIGNATURE
from bspec_opa.trust.revocation import KEY, TreeHead
from bspec_opa.workflow.checkout.anchor import Anchor
from bspec_opa.workflow.checkout.place import open_store
from bspec_opa.workflow.reasons import NO_RESTART
from bspec_opa.workflow.roots.rotating import trusted_roots

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.checkout.world import World


@dataclass(frozen=True, slots=True)
class Restarted:
    """Where the ledger goes on from.

    Attributes:
        origin: the ledger's name.
        head: its last good tree.
        aside: where the entries after it are now; None if there were none.
    """

    origin: str
    head: TreeHead
    aside: Path | None


def restart_ledger(directory: Path, world: World, signer: Signer) -> Restarted:
    """Sign the last good tree of a compromised ledger key with the next key, and move what came after it aside.

    Nothing that came after it is ever signed: records in it are genuine by their own signatures and can be recorded
    again. A crash on the way leaves a checkpoint that doesn't cover the whole file, which ``doctor --repair`` ends.

    Raises:
        TrustError: no pin, the chain doesn't verify, the signer is no ledger key, or the ledger doesn't begin with the
            tree that the root names.
        UsageError: no ledger key is compromised, or the ledger is good under the root.
        StoreError: it can't be written.
    """
    project, roots = trusted_roots(directory, world)
    head = _last_good(roots)
    root = roots[-1]
    if signer.public not in root.checkpoint_keys():
        hint = "sign with a ledger key of the trust root that isn't revoked"
        raise CHECKPOINT_SIGNATURE.error("the key is not a ledger key of the trust root", hint=hint)
    store = open_store(project, Anchor(roots, authenticated=True, starter=False, notes=()))
    try:
        good = store.read().size
    except BspecError:
        good = -1
    if good >= head.tree_size:
        raise NO_RESTART.error(f"the ledger verifies as it is, with {good} entries", hint="go on with it")
    if not isinstance(store, FileStore):
        hint = "copy its good entries into a file ledger, restart that, and import it into a new database"
        raise NO_RESTART.error("a ledger in a database or a Git ref keeps every checkpoint that it ever had", hint=hint)
    return Restarted(store.origin, head, _go_on_from(store, head, signer))


def _go_on_from(store: FileStore, head: TreeHead, signer: Signer) -> Path | None:
    tree = Checkpoint(store.origin, head.tree_size, bytes.fromhex(hex_of(head.root_hash)))
    with opened(store.log, READING, store.wait_s) as log:
        read_log(islice(lines_from(log), head.tree_size), tree, store.origin, str(store.log))
    signed = sign_checkpoint(store.origin, head.tree_size, tree.root, signer)
    write_atomic(store.checkpoint, signed.to_bytes())
    return store.repair()


def _last_good(roots: Sequence[TrustRoot]) -> TreeHead:
    """The earliest place at which a ledger key that is compromised was last good."""
    ledger_keys = {k for root in roots for k in root.ledger.keys}
    found = [
        r.last_good
        for r in roots[-1].compromised()
        if r.kind == KEY and r.id in ledger_keys and r.last_good is not None
    ]
    if not found:
        hint = "revoke it first: trust revoke KEY --mode compromised --last-good SIZE:ROOT --add-ledger-key PEM"
        raise NO_RESTART.error("the trust root calls no ledger key compromised", hint=hint)
    return min(found, key=lambda h: h.tree_size)
