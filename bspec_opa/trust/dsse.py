"""DSSE envelopes (https://github.com/secure-systems-lab/dsse, version 1) in one canonical form.

An envelope's bytes are the RFC 8785 form of ``{payload, payloadType, signatures}`` and a line feed. Bytes in any
other form are refused, so that what was received, what was verified and what is stored are the same.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.closed_schema import HEX64, array, obj, string, violations
from bspec_opa.foundation.digest import Digest, digest_of
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.limits import MAX_RECORD_BYTES
from bspec_opa.trust.reasons import BAD_ENVELOPE, BAD_SIGNATURE, WRONG_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.signers import Signer

IN_TOTO_PAYLOAD_TYPE = "application/vnd.in-toto+json"
TRUST_ROOT_PAYLOAD_TYPE = "application/vnd.bspec-opa.trust-root+json"

MAX_SIGNATURES = 64
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}\Z")


def _schema(minimum: int) -> JsonObject:
    return obj(
        payload=string(),
        payloadType=string(pattern="^[a-z0-9]+/[a-z0-9.+-]+$", maximum=200),
        signatures=array(
            obj(keyid=HEX64, sig=string(minimum=4, maximum=1024)), minimum=minimum, maximum=MAX_SIGNATURES
        ),
    )


_SCHEMA, _DRAFT_SCHEMA = _schema(1), _schema(0)
_HINT = "use the file exactly as it was written"


def pae(payload_type: str, payload: bytes) -> bytes:
    """Pre-authentication encoding: the bytes that are signed (DSSE protocol, "Signature definition")."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature: whose key, and the raw bytes."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed payload.

    Attributes:
        payload_type: what the payload is; covered by the signatures.
        payload: the exact signed bytes.
        signatures: at least one once it is complete, each by another key.
        digest: SHA-256 of the payload: the record's id, or the trust root's digest.
    """

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]
    digest: Digest = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", digest_of(self.payload))

    def to_bytes(self) -> bytes:
        """The file or line: RFC 8785 form and a line feed."""
        value: JsonObject = {
            "payload": _encode(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"keyid": s.keyid, "sig": _encode(s.sig)} for s in self.signatures],
        }
        return canonical_bytes(value) + b"\n"

    def signed_bytes(self) -> bytes:
        """What each signature covers."""
        return pae(self.payload_type, self.payload)


def parse_envelope(data: bytes, name: str, *, unsigned: bool = False) -> Envelope:
    """An envelope from exactly the bytes of a file or line; nothing is verified yet.

    Args:
        data: the bytes.
        name: what errors call them.
        unsigned: whether it may still be without a signature, as a draft that goes round.

    Raises:
        TrustError: not canonical, unknown members, base64 that doesn't round-trip, no signature, or two by one
            key or with the same bytes (attacks A01, A10, A34).
    """
    at = Location(name)
    if len(data) > MAX_RECORD_BYTES:
        raise BAD_ENVELOPE.error(f"larger than {MAX_RECORD_BYTES} bytes", hint=_HINT, at=at)
    try:
        value = parse_json(data, name, text=False)
    except BspecError as e:
        raise BAD_ENVELOPE.error(f"is no DSSE envelope: {e.problems[0].message}", hint=_HINT, at=at) from e
    faults = violations(_DRAFT_SCHEMA if unsigned else _SCHEMA, value, limit=1)
    if faults:
        raise BAD_ENVELOPE.error(f"{faults[0].pointer or 'envelope'} {faults[0].message}", hint=_HINT, at=at)
    envelope = _from_json(value, at)  # type: ignore[arg-type]  # an object, by its schema
    if envelope.to_bytes() != data:
        raise BAD_ENVELOPE.error("is not in the canonical form (RFC 8785 and a line feed)", hint=_HINT, at=at)
    return envelope


def _from_json(value: JsonObject, at: Location) -> Envelope:
    items: list[dict[str, str]] = value["signatures"]  # type: ignore[assignment]  # by the schema
    signatures = tuple(Signature(s["keyid"], _decode(s["sig"], at)) for s in items)
    if len({s.keyid for s in signatures}) < len(signatures) or len({s.sig for s in signatures}) < len(signatures):
        raise BAD_ENVELOPE.error("carries a signature twice", hint=_HINT, at=at)
    return Envelope(str(value["payloadType"]), _decode(str(value["payload"]), at), signatures)


def sign_envelope(payload: bytes, payload_type: str, signers: Iterable[Signer]) -> Envelope:
    """Sign a payload; signatures are sorted by key id."""
    return add_signatures(Envelope(payload_type, payload, ()), signers)


def add_signatures(envelope: Envelope, signers: Iterable[Signer]) -> Envelope:
    """The same payload with more signatures; a signer that is there already replaces its own."""
    signatures = {s.keyid: s for s in envelope.signatures}
    for signer in signers:
        signatures[signer.keyid] = Signature(signer.keyid, signer.sign(envelope.signed_bytes()))
    ordered = tuple(signatures[keyid] for keyid in sorted(signatures))
    return Envelope(envelope.payload_type, envelope.payload, ordered)


def verify_signature(envelope: Envelope, signature: Signature, key: PublicKey, name: str) -> None:
    """Check one signature over the received payload and type.

    Raises:
        TrustError: it doesn't verify (attacks A02, A15).
    """
    if signature.keyid != key.keyid or not key.verify(signature.sig, envelope.signed_bytes()):
        hint = "the content or the signature was changed; get the original"
        raise BAD_SIGNATURE.error(f"signature of key {key.keyid[:12]} does not verify", hint=hint, at=Location(name))


def require_payload_type(envelope: Envelope, payload_type: str, name: str) -> None:
    """Refuse an envelope of another type.

    Raises:
        TrustError: another payload type (attack A03).
    """
    if envelope.payload_type != payload_type:
        message = f"has payload type {envelope.payload_type}, not {payload_type}"
        raise WRONG_TYPE.error(message, hint="give the document that is asked for", at=Location(name))


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decode(text: str, at: Location) -> bytes:
    try:
        data = base64.b64decode(text, validate=True) if _BASE64.match(text) else None
    except binascii.Error:
        data = None
    if data is None or _encode(data) != text:
        raise BAD_ENVELOPE.error("holds base64 that is not padded standard base64", hint=_HINT, at=at)
    return data
