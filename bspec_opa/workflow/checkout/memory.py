"""What this user has seen before, kept outside the checkout: older than remembered is a trust failure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bspec_opa.foundation.errors import TrustError
from bspec_opa.foundation.reasons import UNWRITABLE
from bspec_opa.ledger.memory import Memory, Restart, state_directory
from bspec_opa.ledger.reasons import ROLLED_BACK, ROOT_ROLLED_BACK
from bspec_opa.ledger.statements import Statements
from bspec_opa.trust.revocation import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bspec_opa.ledger.interface import LedgerState, Rooted
    from bspec_opa.ledger.memory import Remembered
    from bspec_opa.ledger.statements import Stated
    from bspec_opa.trust.revocation import TreeHead
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.checkout.anchor import Anchor

T = TypeVar("T")
NOWHERE = Path("/nonexistent")


def _key(anchor: Anchor) -> str:
    """What is remembered together: one domain under one pin. Another pin is another anchor, so another memory."""
    return _key_of(anchor.roots)


def _key_of(roots: Sequence[TrustRoot]) -> str:
    return f"{roots[-1].domain} {roots[0].digest}"


def open_memory(environ: Mapping[str, str]) -> Memory | None:
    """The memory in the user's state directory; None where the user has no home."""
    directory = memory_directory(environ)
    return Memory(directory) if directory else None


def memory_directory(environ: Mapping[str, str]) -> Path | None:
    """The user's state directory; None where the user has no home."""
    home = Path(environ.get("HOME", ""))
    directory = state_directory(environ, home if home.is_absolute() else NOWHERE)
    return None if directory.is_relative_to(NOWHERE) else directory


def check_memory(anchor: Anchor, ledger: Rooted, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Compare with what is remembered; nothing is written. Returns a note where nothing is remembered.

    Raises:
        TrustError: the trust root or the ledger is older than, or other than, what was seen before.
    """
    root, memory = anchor.root, open_memory(environ)
    known = None
    if memory is not None:
        _require_same_past(anchor.roots, memory.recall(_key(anchor)))
        known = memory.check(_key(anchor), root.version, root.digest, ledger, _restarts(anchor.roots))
    return () if known else ("no memory of earlier heads: an older ledger or root could not be told",)


def remember(anchor: Anchor, ledger: LedgerState, environ: Mapping[str, str]) -> None:
    """Remember this root and tree head.

    Raises:
        TrustError: it is older than what is remembered.
        StoreError: the state directory can't be written, or there is none.
    """
    root, memory = anchor.root, open_memory(environ)
    if memory is None:
        raise UNWRITABLE.error("no place to remember the ledger in", hint="set HOME or BSPEC_OPA_STATE_DIR")
    _require_same_past(anchor.roots, memory.recall(_key(anchor)))
    memory.remember(_key(anchor), root.version, root.digest, ledger, _restarts(anchor.roots))


def check_roots(roots: Sequence[TrustRoot], environ: Mapping[str, str]) -> tuple[str, ...]:
    """As :func:`check_memory`, for a walked chain alone, whatever ledger there is.

    Raises:
        TrustError: it is older than, or other than, what was seen before.
    """
    root, memory = roots[-1], open_memory(environ)
    known = memory.check_root(_key_of(roots), root.version, root.digest) if memory else None
    _require_same_past(roots, known)
    return () if known else ("no memory of earlier versions: an older root could not be told",)


def remember_roots(roots: Sequence[TrustRoot], environ: Mapping[str, str]) -> None:
    """Remember the highest version of a walked chain; where the user has no home, nothing is.

    Raises:
        TrustError: as :func:`check_roots`.
        StoreError: the state directory can't be written.
    """
    root, memory = roots[-1], open_memory(environ)
    if memory is not None:
        _require_same_past(roots, memory.recall(_key_of(roots)))
        origin = root.ledger.origin
        memory.remember_root(_key_of(roots), root.version, root.digest, origin, _restarts(roots))


def _require_same_past(roots: Sequence[TrustRoot], known: Remembered | None) -> None:
    """The version that was seen before is in the chain: two genuine versions of one number are a fork.

    Raises:
        TrustError: another version of that number is in its place.
    """
    if known is None or known.root_version > len(roots):
        return
    found = roots[known.root_version - 1]
    if found.digest != known.root_digest:
        message = f"the trust root's version {found.version} is another than the one there was before"
        hint = "two versions of one number were signed: find out which is genuine"
        raise ROOT_ROLLED_BACK.error(message, hint=hint)


def _restarts(roots: Sequence[TrustRoot]) -> tuple[Restart, ...]:
    """Where compromised ledger keys were last good, and which version said so first."""
    found: dict[TreeHead, Restart] = {}
    for version, root in enumerate(roots, 1):
        ledger_keys = {k for r in roots[:version] for k in r.ledger.keys}
        for revocation in root.compromised():
            head = revocation.last_good
            if revocation.kind == KEY and revocation.id in ledger_keys and head is not None:
                found.setdefault(head, Restart(version, head.tree_size, head.root_hash))
    return tuple(found.values())


def check_current(
    anchor: Anchor, ledger: LedgerState, read: Callable[[], LedgerState], environ: Mapping[str, str]
) -> tuple[LedgerState, tuple[str, ...]]:
    """As :func:`check_memory`, on the ledger as it is by then; returns that ledger and the notes.

    Another process may have appended and remembered between the reading of the ledger and that of the memory. So a
    ledger that is behind the memory is read once more before it counts as rolled back.

    Args:
        anchor: the trust root.
        ledger: as it was read.
        read: reads it again.
        environ: says where the memory is.

    Raises:
        TrustError: as :func:`check_memory`.
    """
    return _once_more(ledger, read, lambda state: check_memory(anchor, state, environ))


def remember_current(
    anchor: Anchor, ledger: LedgerState, read: Callable[[], LedgerState], environ: Mapping[str, str]
) -> LedgerState:
    """As :func:`remember`, on the ledger as it is by then (see :func:`check_current`); returns that ledger.

    Raises:
        TrustError: as :func:`remember`.
        StoreError: as :func:`remember`.
    """
    return _once_more(ledger, read, lambda state: remember(anchor, state, environ))[0]


def _once_more(
    ledger: LedgerState, read: Callable[[], LedgerState], action: Callable[[LedgerState], T]
) -> tuple[LedgerState, T]:
    try:
        return ledger, action(ledger)
    except TrustError as e:
        if e.code != ROLLED_BACK.code:
            raise
    again = read()
    return again, action(again)


def recall_statement(anchor: Anchor, environ: Mapping[str, str]) -> Stated | None:
    """How far the newest head statement had gone that this user has seen; None if there was none.

    Where a newer root than that one takes the ledger back to a last good tree, so does what is remembered. And the
    word of a key that is no head key any more is forgotten: a thief could have said anything (TUF 5.3.11).

    Raises:
        TrustError: the memory is damaged.
    """
    directory = memory_directory(environ)
    known = Statements(directory).recall(_key(anchor)) if directory else None
    if known is None:
        return None
    root = anchor.root
    if root.version >= known.root_version and known.keyid not in {k.keyid for k in root.head_keys()}:
        return None
    return replace(known, tree_size=still_good(anchor, known.root_version, known.tree_size))


def still_good(anchor: Anchor, root_version: int, tree_size: int) -> int:
    """How much of a tree that was seen under an older version of the root still counts under the newest."""
    sizes = [r.tree_size for r in _restarts(anchor.roots) if root_version < r.root_version]
    return min(tree_size, *sizes) if sizes else tree_size


def remember_statement(anchor: Anchor, stated: Stated, environ: Mapping[str, str]) -> None:
    """Remember how far a head statement has gone.

    Raises:
        TrustError: the memory is damaged.
        StoreError: the state directory can't be written, or there is none.
    """
    directory = memory_directory(environ)
    if directory is None:
        raise UNWRITABLE.error("no place to remember the head in", hint="set HOME or BSPEC_OPA_STATE_DIR")
    Statements(directory).remember(_key(anchor), stated)


def recall(anchor: Anchor, environ: Mapping[str, str]) -> Remembered | None:
    """What this user has seen of a domain under a pin; None if nothing, or where nothing can be remembered.

    Raises:
        TrustError: the memory is damaged.
    """
    memory = open_memory(environ)
    return memory.recall(_key(anchor)) if memory else None
