"""From the pin to the current trust root, one version at a time.

The pin is the digest of version 1's payload and comes from outside the checkout. Each next version names its
predecessor's digest and is signed by the predecessor's threshold and by its own, so whoever edits the files fails
here (attacks A18, A19, A75).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.digest import ZERO_DIGEST, Digest
from bspec_opa.foundation.errors import Location
from bspec_opa.trust.dsse import TRUST_ROOT_PAYLOAD_TYPE, parse_envelope, require_payload_type, verify_signature
from bspec_opa.trust.quorum import quorum_of
from bspec_opa.trust.reasons import BROKEN_CHAIN, NO_ROOT, PIN_MISMATCH, ROOT_SIGNATURES
from bspec_opa.trust.root import parse_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.trust.dsse import Envelope
    from bspec_opa.trust.root import TrustRoot


def walk(pin: Digest, envelopes: Sequence[bytes], names: Sequence[str] = ()) -> tuple[TrustRoot, ...]:
    """All versions from 1 on, authenticated; the last one is current.

    Whether the last has expired is for :func:`~bspec_opa.trust.root.require_current` to say.

    Args:
        pin: digest of the payload of version 1.
        envelopes: the files of versions 1, 2, … in this order.
        names: what errors call them; ``version N`` where there is no name.

    Raises:
        TrustError: no version, another version 1 than pinned, a gap, another domain, too few signatures, or a
            signature that doesn't verify or that nobody asked for.
    """
    if not envelopes:
        raise NO_ROOT.error("there is no trust root", hint="run trust init, or fetch .bspec/trust")
    walked: list[TrustRoot] = []
    for n, data in enumerate(envelopes):
        name = names[n] if n < len(names) else f"trust root version {n + 1}"
        walked.append(_step(pin, walked[-1] if walked else None, data, name))
    return tuple(walked)


def _step(pin: Digest, previous: TrustRoot | None, data: bytes, name: str) -> TrustRoot:
    envelope = parse_envelope(data, name)
    require_payload_type(envelope, TRUST_ROOT_PAYLOAD_TYPE, name)
    if previous is None and envelope.digest != pin:
        hint = "the root was replaced, or the pin belongs to another project"
        raise PIN_MISMATCH.error(f"has digest {envelope.digest}, pinned is {pin}", hint=hint, at=Location(name))
    root = parse_root(envelope.payload, name, authenticated=True)
    require_succession(previous, root, name)
    judges = [root] if previous is None else [previous, root]
    verify_signers(judges, envelope, name)
    _require_thresholds(judges, envelope, name)
    return root


def require_succession(previous: TrustRoot | None, root: TrustRoot, name: str) -> None:
    """Demand that a version directly continues the one before; version 1 has none.

    Raises:
        TrustError: another number, predecessor or domain, or issued before it.
    """
    version, digest = (previous.version, previous.digest) if previous else (0, ZERO_DIGEST)
    fault = ""
    if root.version != version + 1:
        fault = f"is version {root.version} where {version + 1} is expected"
    elif root.previous_digest != digest:
        fault = f"names {root.previous_digest} as its predecessor, which is {digest}"
    elif previous and root.domain != previous.domain:
        fault = f"changes the domain from {previous.domain} to {root.domain}"
    elif previous and root.issued_unix < previous.issued_unix:
        fault = "was issued before its predecessor"
    if fault:
        raise BROKEN_CHAIN.error(fault, hint="restore the missing or changed version", at=Location(name))


def verify_signers(judges: Sequence[TrustRoot], envelope: Envelope, name: str) -> None:
    """Demand that every signature is genuine and by a root key of one of the judges.

    Raises:
        TrustError: one isn't: it spoils the version, however many others there are.
    """
    keys = {k: judge.keys[k].public for judge in judges for k in judge.root_keys}
    for signature in envelope.signatures:
        key = keys.get(signature.keyid)
        if key is None:
            message = f"is signed by key {signature.keyid[:12]}, which is no root key"
            raise ROOT_SIGNATURES.error(message, hint="only holders of root keys sign it", at=Location(name))
        verify_signature(envelope, signature, key, name)


def _require_thresholds(judges: Sequence[TrustRoot], envelope: Envelope, name: str) -> None:
    for judge in judges:
        signed = distinct_owners(judge, [s.keyid for s in envelope.signatures])
        if signed < judge.root_threshold:
            message = f"has {signed} of {judge.root_threshold} signatures that version {judge.version} asks for"
            raise ROOT_SIGNATURES.error(
                message, hint="sign with as many root keys as the threshold asks for", at=Location(name)
            )


def distinct_owners(root: TrustRoot, keyids: Sequence[str]) -> int:
    """How many different owners of unrevoked root keys are among these keys (attacks A09, A10)."""
    return len(quorum_of(root, keyids).signed)
