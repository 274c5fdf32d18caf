"""Whose signatures a version of the trust root needs: by name, under the version before and under its own rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.trust.revocation import KEY

if TYPE_CHECKING:
    from collections.abc import Collection

    from bspec_opa.trust.root import TrustRoot

SHOWN_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Holder:
    """Whoever holds root keys: all of one person's keys are one holder (attack A12).

    Attributes:
        owner: the principal's id; of a key that belongs to nobody in the root, ``key`` and its first digits.
        keyids: the holder's root keys that aren't revoked.
    """

    owner: str
    keyids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quorum:
    """One version's say about a new version.

    Attributes:
        version: whose threshold it is.
        threshold: how many holders sign.
        signed: who has.
        able: who else could.
    """

    version: int
    threshold: int
    signed: tuple[Holder, ...]
    able: tuple[Holder, ...]

    @property
    def missing(self) -> int:
        """How many signatures are still to come."""
        return max(0, self.threshold - len(self.signed))


def owner_of(root: TrustRoot, keyid: str) -> str:
    """Who holds a key, as people are told."""
    principal = root.principal_of(keyid)
    return principal.id if principal else f"key {keyid[:SHOWN_DIGITS]}"


def holders(root: TrustRoot) -> tuple[Holder, ...]:
    """Who can sign under a version, in the order of its root keys."""
    found: dict[str, list[str]] = {}
    for keyid in root.root_keys:
        if root.revocation(KEY, keyid) is None:
            found.setdefault(owner_of(root, keyid), []).append(keyid)
    return tuple(Holder(owner, tuple(keyids)) for owner, keyids in found.items())


def quorum_of(judge: TrustRoot, keyids: Collection[str]) -> Quorum:
    """What of a version's threshold these keys' signatures meet; they were verified before."""
    every = holders(judge)
    signed = tuple(h for h in every if set(h.keyids) & set(keyids))
    return Quorum(judge.version, judge.root_threshold, signed, tuple(h for h in every if h not in signed))
