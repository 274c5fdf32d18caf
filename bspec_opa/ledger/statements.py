"""The newest head statement that this user has seen, per domain, kept where the ledger's head is remembered.

A statement may be seen before the ledger that it is about: from then on, no smaller ledger and no older trust root is
taken for the newest, whether a statement is demanded or not (attacks A55, A78).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import HEX64, integer
from bspec_opa.foundation.limits import LEDGER_LOCK_TIMEOUT_S
from bspec_opa.ledger.keeping import Kept

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Stated:
    """How far a statement has gone: the version of the trust root, the ledger's size, and by whose word."""

    root_version: int
    tree_size: int
    keyid: str = field(compare=False)


class Statements:
    """What is remembered of head statements, in a private directory."""

    def __init__(self, directory: Path, *, wait_s: float = LEDGER_LOCK_TIMEOUT_S) -> None:
        """Name a memory; nothing is opened yet."""
        members = {"root_version": integer(1), "tree_size": integer(), "key": HEX64}
        self._kept = Kept(directory, "head-", "domain", members, wait_s)

    def recall(self, domain: str) -> Stated | None:
        """What was stated last in a domain; None if nothing was.

        Raises:
            TrustError: the memory is damaged, or others may write it.
        """
        found = self._kept.read(domain)
        return None if found is None else Stated(found["root_version"], found["tree_size"], found["key"])

    def remember(self, domain: str, now: Stated) -> None:
        """Remember a statement that was found to be no older than what is remembered.

        Another process may have remembered a newer one meanwhile, which stays: a later version of the root is newer,
        also where it takes the ledger back behind what a stolen key had signed.

        Raises:
            TrustError: see :meth:`recall`.
            StoreError: it can't be written, or another process holds it for too long.
        """
        with self._kept.held():
            known = self.recall(domain)
            if known is None or known < now:
                self._kept.write(domain, root_version=now.root_version, tree_size=now.tree_size, key=now.keyid)
