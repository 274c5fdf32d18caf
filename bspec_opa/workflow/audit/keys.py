"""The keys that the trust root has revoked, with their holders: what an auditor has to know of who signed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.trust.revocation import COMPROMISED, KEY, RETIRED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.trust.revocation import Revocation
    from bspec_opa.trust.root import TrustRoot

_BEFORE = "what it signed before ledger entry {} counts"
_MEANING = {
    RETIRED: f"retired: {_BEFORE}, nothing after that does",
    COMPROMISED: f"compromised: {_BEFORE}, nothing after that does, nor what was decided after that on it",
    "": "nothing that it ever signed counts for what is decided from now on",
}


@dataclass(frozen=True, slots=True)
class RevokedKey:
    """A key that the newest trust root revokes.

    Attributes:
        revocation: of the key, as the root has it.
        holder: whose it was, by the newest version that said so; empty if it was nobody's, such as the ledger's.
        version: of the trust root that revoked it first.
    """

    revocation: Revocation
    holder: str
    version: int

    @property
    def said(self) -> str:
        """In one sentence: whose, by which version, why, and what still counts."""
        revocation, last = self.revocation, self.revocation.last_good
        whose = f"{self.holder}'s key" if self.holder else "the key"
        means = _MEANING[revocation.mode].format(last.tree_size if last else "")
        return f"trust root version {self.version} revoked {whose} {revocation.id[:12]}… ({revocation.reason}); {means}"


def revoked_keys(roots: Sequence[TrustRoot]) -> tuple[RevokedKey, ...]:
    """Every key that the newest of these roots revokes, in its order.

    Args:
        roots: every version from the first on; none gives none.
    """
    return tuple(_keys(roots)) if roots else ()


def _keys(roots: Sequence[TrustRoot]) -> Iterator[RevokedKey]:
    for revocation in roots[-1].revoked:
        if revocation.kind != KEY:
            continue
        holders = [p.id for root in roots if (p := root.principal_of(revocation.id)) is not None]
        first = next(r.version for r in roots if any(v.id == revocation.id for v in r.revoked))
        yield RevokedKey(revocation, holders[-1] if holders else "", first)


def key_notes(roots: Sequence[TrustRoot]) -> tuple[str, ...]:
    """One sentence for each of them, except those that were only retired: keys are replaced in the ordinary course."""
    return tuple(k.said for k in revoked_keys(roots) if k.revocation.mode != RETIRED)
