"""A next version of the trust root on its way round: each holder of a root key adds a signature, in any order.

The file is the very envelope that becomes ``<N>.root.json``, only that it may have no signature yet. Whoever signs
has it checked first that it goes on from the version that they trust, and that every signature in it is genuine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.errors import Location
from bspec_opa.trust.dsse import (
    TRUST_ROOT_PAYLOAD_TYPE,
    Envelope,
    add_signatures,
    parse_envelope,
    require_payload_type,
)
from bspec_opa.trust.quorum import SHOWN_DIGITS, Quorum, owner_of, quorum_of
from bspec_opa.trust.reasons import NOT_NEEDED, OTHER_DRAFT, ROOT_SIGNATURES
from bspec_opa.trust.revocation import KEY
from bspec_opa.trust.root import parse_root
from bspec_opa.trust.walk import require_succession, verify_signers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.trust.signers import Signer

_HINT = "nothing was written"


@dataclass(frozen=True, slots=True)
class Round:
    """A version that is being signed.

    Attributes:
        envelope: its payload and the signatures so far, each of which is genuine.
        root: what it says; not authenticated by anything yet.
        previous: the version before, walked from the pin; None for version 1.
        name: what errors call it.
    """

    envelope: Envelope
    root: TrustRoot
    previous: TrustRoot | None
    name: str

    @property
    def judges(self) -> tuple[TrustRoot, ...]:
        """Whose thresholds must be met: the version before, and its own."""
        return (self.root,) if self.previous is None else (self.previous, self.root)

    @property
    def quorums(self) -> tuple[Quorum, ...]:
        """What each of them still needs."""
        keyids = [s.keyid for s in self.envelope.signatures]
        return tuple(quorum_of(judge, keyids) for judge in self.judges)

    @property
    def complete(self) -> bool:
        """Whether nobody else needs to sign."""
        return all(q.missing == 0 for q in self.quorums)


def unsigned(payload: JsonObject) -> Envelope:
    """A version that nobody has signed yet."""
    return Envelope(TRUST_ROOT_PAYLOAD_TYPE, canonical_bytes(payload), ())


def open_round(data: bytes, name: str, previous: TrustRoot | None) -> Round:
    """A draft, signed or not, as the one that follows a trusted version.

    Args:
        data: the file.
        name: what errors call it.
        previous: the newest version, walked from the pin; None where there is none.

    Raises:
        TrustError: no trust root, another successor, or a signature that nobody asked for or that doesn't verify.
    """
    envelope = parse_envelope(data, name, unsigned=True)
    require_payload_type(envelope, TRUST_ROOT_PAYLOAD_TYPE, name)
    root = parse_root(envelope.payload, name, authenticated=False)
    require_succession(previous, root, name)
    found = Round(envelope, root, previous, name)
    verify_signers(found.judges, envelope, name)
    return found


def add_signature(draft: Round, signer: Signer) -> Round:
    """The draft with one more signature.

    Raises:
        TrustError: the signer's key is no root key of either version.
        UsageError: the signature would change nothing: given before, not needed, or of a revoked key.
    """
    require_needed(draft, signer.keyid)
    return replace(draft, envelope=add_signatures(draft.envelope, [signer]))


def require_needed(draft: Round, keyid: str) -> None:
    """Demand that a key's signature brings a threshold nearer.

    Raises:
        TrustError: it is no root key of either version.
        UsageError: it would change nothing, with the reason why.
    """
    at, shown = Location(draft.name), keyid[:SHOWN_DIGITS]
    versions = " nor of ".join(f"version {j.version}" for j in draft.judges)
    if not any(keyid in judge.root_keys for judge in draft.judges):
        message = f"key {shown} is no root key of {versions}: its signature counts for nothing"
        raise ROOT_SIGNATURES.error(message, hint="sign with a root key; trust verify names their holders", at=at)
    if keyid in {s.keyid for s in draft.envelope.signatures}:
        raise NOT_NEEDED.error(f"key {shown} has signed it already", hint=_HINT, at=at)
    if draft.complete:
        raise NOT_NEEDED.error("it has all signatures that it needs", hint="put it in place: trust accept", at=at)
    whys = [_why_not(judge, quorum, keyid) for judge, quorum in zip(draft.judges, draft.quorums, strict=True)]
    if all(whys):
        raise NOT_NEEDED.error("; ".join(dict.fromkeys(whys)), hint=_HINT, at=at)


def _why_not(judge: TrustRoot, quorum: Quorum, keyid: str) -> str:
    """Why a key's signature brings one version's threshold no nearer; empty if it does."""
    shown, version = keyid[:SHOWN_DIGITS], f"version {judge.version}"
    if keyid not in judge.root_keys:
        return f"key {shown} is no root key of {version}"
    if judge.revocation(KEY, keyid) is not None:
        return f"{version} revokes key {shown}"
    owner = owner_of(judge, keyid)
    if any(owner == h.owner for h in quorum.signed):
        return f"{owner} has signed for {version} with another key, and a person counts once"
    return "" if quorum.missing else f"{version} has its {quorum.threshold} signatures"


def merge(draft: Round, copies: Sequence[tuple[str, bytes]]) -> Round:
    """The draft with the signatures that others put into their copies of it.

    Raises:
        InvalidInputError: a copy is of another version or says something else.
        TrustError: a copy is no trust root, or a signature in it isn't genuine.
        UsageError: a copy has nothing new.
    """
    for name, data in copies:
        other = open_round(data, name, draft.previous)
        if other.root.digest != draft.root.digest:
            message = f"is another draft ({other.root.digest}) than {draft.name} ({draft.root.digest})"
            raise OTHER_DRAFT.error(message, hint="everybody signs copies of one file", at=Location(name))
        known = {s.keyid: s for s in draft.envelope.signatures}
        fresh = {s.keyid: s for s in other.envelope.signatures if s.keyid not in known}
        if not fresh:
            raise NOT_NEEDED.error("has no signature that is not there yet", hint=_HINT, at=Location(name))
        for keyid in fresh:
            require_needed(draft, keyid)
        every = known | fresh
        ordered = tuple(every[keyid] for keyid in sorted(every))
        draft = replace(draft, envelope=replace(draft.envelope, signatures=ordered))
    return draft


def who_is_missing(quorums: Sequence[Quorum]) -> str:
    """What still misses, in a sentence; empty if nothing does."""
    parts = [
        f"version {q.version} needs {q.missing} more of {', '.join(h.owner for h in q.able)}"
        for q in quorums
        if q.missing
    ]
    return "; ".join(parts)
