"""Monotonic memory outside the checkout: the newest trust root and tree head that this user has seen, per domain.

A genuine old root or ledger verifies for ever; only somebody who remembers a newer one can tell (attacks A18, A53,
A55, A78). The memory lives in the user's state directory, which a checkout can't reach.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import DIGEST, TEXT, integer
from bspec_opa.foundation.digest import Digest
from bspec_opa.foundation.limits import LEDGER_LOCK_TIMEOUT_S
from bspec_opa.ledger.interface import as_digest, require_descent
from bspec_opa.ledger.keeping import Kept
from bspec_opa.ledger.merkle import EMPTY_ROOT
from bspec_opa.ledger.reasons import ROOT_ROLLED_BACK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bspec_opa.ledger.interface import LedgerState, Rooted

_MEMBERS = {
    "root_version": integer(1),
    "root_digest": DIGEST,
    "origin": TEXT,
    "tree_size": integer(),
    "root_hash": DIGEST,
}


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was seen last in a domain.

    Attributes:
        root_version: the highest version of the trust root.
        root_digest: that version's digest.
        origin: the ledger's name.
        tree_size: its largest size.
        root_hash: its Merkle root at that size.
    """

    root_version: int
    root_digest: Digest
    origin: str
    tree_size: int
    root_hash: Digest


@dataclass(frozen=True, slots=True)
class Restart:
    """A place after which nothing counts that a compromised ledger key signed.

    Whoever saw more before must not take the genuine ledger for one that was rolled back (TUF 5.3.11: a rotated key
    makes what was remembered under the old one void).

    Attributes:
        root_version: the version of the trust root that says so first.
        tree_size: entries of the last good tree head.
        root_hash: its Merkle root.
    """

    root_version: int
    tree_size: int
    root_hash: Digest


def _last_good(known: Remembered, restarts: Sequence[Restart]) -> tuple[int, Digest]:
    """What the ledger has to go on from: what was seen, unless a newer root than that calls it no good."""
    places = [(known.tree_size, known.root_hash)]
    places += [(r.tree_size, r.root_hash) for r in restarts if known.root_version < r.root_version]
    return min(places, key=lambda p: p[0])


def seen(root_version: int, root_digest: Digest, state: LedgerState) -> Remembered:
    """What there is to remember of a trust root and a ledger."""
    return Remembered(root_version, root_digest, state.origin, state.size, state.root_hash)


def state_directory(environ: Mapping[str, str], home: Path) -> Path:
    """``$BSPEC_OPA_STATE_DIR``, else below ``$XDG_STATE_HOME``, else below ``~/.local/state``."""
    if own := environ.get("BSPEC_OPA_STATE_DIR", ""):
        return Path(own)
    base = Path(environ.get("XDG_STATE_HOME", ""))
    return (base if base.is_absolute() else home / ".local" / "state") / "bspec-opa"


class Memory:
    """The memory in a private directory."""

    def __init__(self, directory: Path, *, wait_s: float = LEDGER_LOCK_TIMEOUT_S) -> None:
        """Name a memory; nothing is opened yet.

        Args:
            directory: created with mode 0700 when something is remembered.
            wait_s: how long to wait for other processes, in seconds.
        """
        self._kept = Kept(directory, "", "domain", _MEMBERS, wait_s)

    def recall(self, domain: str) -> Remembered | None:
        """What is remembered of a domain; None if nothing is, which is worth a line to people.

        Raises:
            TrustError: the memory is damaged, or others may write it.
        """
        found = self._kept.read(domain)
        if found is None:
            return None
        return Remembered(
            found["root_version"],
            Digest(found["root_digest"]),
            found["origin"],
            found["tree_size"],
            Digest(found["root_hash"]),
        )

    def check(
        self,
        domain: str,
        root_version: int,
        root_digest: Digest,
        state: Rooted,
        restarts: Sequence[Restart] = (),
    ) -> Remembered | None:
        """Refuse a trust root or ledger that is older than, or different from, what is remembered.

        Args:
            domain: what is remembered together.
            root_version: of the trust root in force.
            root_digest: of that version.
            state: the ledger.
            restarts: where versions of the root say that what a ledger key signed after that place doesn't count.

        Returns:
            What was remembered; None if there was nothing to compare with.

        Raises:
            TrustError: rolled back, forked or replaced; or the memory can't be relied on.
        """
        known = self.recall(domain)
        if known is not None:
            _check_root(known, root_version, root_digest)
            if known.origin == state.origin:
                size, root_hash = _last_good(known, restarts)
                require_descent(state, size, root_hash)
        return known

    def check_root(self, domain: str, root_version: int, root_digest: Digest) -> Remembered | None:
        """As :meth:`check`, for a trust root alone."""
        known = self.recall(domain)
        if known is not None:
            _check_root(known, root_version, root_digest)
        return known

    def remember_root(
        self,
        domain: str,
        root_version: int,
        root_digest: Digest,
        origin: str,
        restarts: Sequence[Restart] = (),
    ) -> None:
        """As :meth:`remember`, for a trust root alone; what is known of the ledger stays, unless it is no good now.

        Args:
            domain: what is remembered together.
            root_version: of the trust root.
            root_digest: of that version.
            origin: the ledger's name, where nothing is known of it yet.
            restarts: as in :meth:`check`.

        Raises:
            TrustError: see :meth:`check`.
            StoreError: see :meth:`remember`.
        """
        with self._kept.held():
            known = self.check_root(domain, root_version, root_digest)
            size, root_hash = _last_good(known, restarts) if known else (0, as_digest(EMPTY_ROOT))
            now = Remembered(root_version, root_digest, known.origin if known else origin, size, root_hash)
            if now != known:
                self._kept.write(domain, **asdict(now))

    def remember(
        self,
        domain: str,
        root_version: int,
        root_digest: Digest,
        state: LedgerState,
        restarts: Sequence[Restart] = (),
    ) -> None:
        """Check, then remember; what is remembered never becomes older.

        Raises:
            TrustError: see :meth:`check`.
            StoreError: it can't be written, or another process holds it for too long.
        """
        with self._kept.held():
            known = self.check(domain, root_version, root_digest, state, restarts)
            now = seen(root_version, root_digest, state)
            if now != known:
                self._kept.write(domain, **asdict(now))


def _check_root(known: Remembered, version: int, digest: Digest) -> None:
    if version < known.root_version:
        raise ROOT_ROLLED_BACK.error(f"the trust root is version {version}; {known.root_version} was there before")
    if version == known.root_version and digest != known.root_digest:
        raise ROOT_ROLLED_BACK.error(f"the trust root's version {version} is another than the one there was before")
