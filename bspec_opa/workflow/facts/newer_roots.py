"""What a ledger says about a trust root that is newer than the one at hand: then nothing is decided or signed. Pure.

A gate that has seen nothing before can't remember that a newer version was there, but the ledger's entries name the
versions under which they were signed. A line that is decided under an older one than an entry before it names is
refused by everybody who has both (``verify.facts-differ``), for ever: it must not be signed.

An entry stands in the ledger because whoever holds the ledger's key verified it, against a chain that had the version
it names. Its signature may be by a key that only the newer version knows, so it can't be verified here; its place can
be judged. A version is not issued before the ones ahead of it, nor is anything signed before its version is issued. So
an entry that was sequenced before the newest version at hand was issued speaks of no version after that: it is of
another chain with the same domain, or was made up by a thief of the ledger's key. The next version ends that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bspec_opa.ledger.reasons import ROOT_ROLLED_BACK
from bspec_opa.workflow.facts.claims import claims_of, may_name_above

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.root import TrustRoot


class Newer(NamedTuple):
    """An entry that names a newer version."""

    entry: Entry
    version: int


def newest_named(entries: Iterable[Entry], root: TrustRoot) -> Newer | None:
    """The first entry that names the highest version above a trust root's; None if no entry names one above it.

    Args:
        entries: of a verified ledger.
        root: the newest of the walked chain.
    """
    found = None
    for entry in entries:
        above = found.version if found else root.version
        asked = entry.at >= root.issued_unix and may_name_above(entry, above)
        claims = claims_of(entry) if asked else None
        if claims and claims.domain == root.domain and claims.root_version > above:
            found = Newer(entry, claims.root_version)
    return found


def require_newest(entries: Iterable[Entry], root: TrustRoot) -> None:
    """Demand that no entry of a ledger names a newer version of the trust root.

    Raises:
        TrustError: one does; it says which.
    """
    found = newest_named(entries, root)
    if found is None:
        return
    entry, version = found
    message = (
        f"the trust root is version {root.version}; ledger entry {entry.seq}, {entry.kind}, names version {version}"
    )
    lacking = f"{root.version + 1}.root.json"
    if version > root.version + 1:
        lacking += f" to {version}.root.json"
    hint = f"fetch {lacking} into .bspec/trust; if nobody signed such a version, see docs/trust-root.md"
    raise ROOT_ROLLED_BACK.error(message, hint=hint)
