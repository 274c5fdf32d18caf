"""The highest sequence of signed bundles that this user has seen, per publisher (attack A31).

A genuine old bundle verifies for ever; only somebody who remembers a newer one can tell. It is remembered where the
trust root and the ledger are (:mod:`bspec_opa.ledger.memory`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import TEXT, integer
from bspec_opa.foundation.limits import LEDGER_LOCK_TIMEOUT_S
from bspec_opa.ledger.keeping import Kept
from bspec_opa.ledger.reasons import OLDER_BUNDLE, SEQUENCE_REUSED

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Seen:
    """A bundle of a publisher: its sequence, and the revision under it."""

    sequence: int
    revision: str


class Sequences:
    """What is remembered of publishers, in a private directory."""

    def __init__(self, directory: Path, *, wait_s: float = LEDGER_LOCK_TIMEOUT_S) -> None:
        """Name a memory; nothing is opened yet."""
        members = {"sequence": integer(1), "revision": TEXT}
        self._kept = Kept(directory, "publisher-", "publisher", members, wait_s)

    def check(self, publisher: str, now: Seen) -> Seen | None:
        """Refuse a bundle that is older than what is remembered; returns what that is.

        Args:
            publisher: domain, environment and name in one text.
            now: the bundle.

        Raises:
            TrustError: it is older, another one had its sequence, or the memory can't be relied on.
        """
        found = self._kept.read(publisher)
        if found is None:
            return None
        known = Seen(found["sequence"], found["revision"])
        if now.sequence < known.sequence:
            raise OLDER_BUNDLE.error(f"has sequence {now.sequence}; {known.sequence} was used here before")
        if now.sequence == known.sequence and now.revision != known.revision:
            raise SEQUENCE_REUSED.error(f"has sequence {now.sequence}, as revision {known.revision} had")
        return known

    def remember(self, publisher: str, now: Seen) -> None:
        """Check, then remember; what is remembered never becomes older.

        Raises:
            TrustError: see :meth:`check`.
            StoreError: it can't be written, or another process holds it for too long.
        """
        with self._kept.held():
            if self.check(publisher, now) != now:
                self._kept.write(publisher, **asdict(now))
