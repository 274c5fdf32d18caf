"""The head statement: what is current now, signed for a short time by a key that does nothing else.

A genuine old ledger, lock and trust root verify for ever. A statement that expires within the hour says which tree,
which version of the root, which bundles and which lines are current, so that whoever has a fresh one can tell old
files from new ones without having seen them before (attacks A55, A78). It is what TUF calls a timestamp; see the TUF
specification, 4.4 and 5.4. It is no record: it isn't sequenced, and nothing is decided on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.closed_schema import DIGEST, IDENTIFIER, TIME, array, enum, integer, obj, violations
from bspec_opa.foundation.digest import Digest
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.times import format_time, parse_time
from bspec_opa.trust.currency.reasons import (
    BAD_HEAD,
    HEAD_EXPIRED,
    HEAD_KEY,
    HEAD_LIFETIME,
    HEAD_NOT_YET,
    HEAD_OTHER,
    OLDER_ROOT,
)
from bspec_opa.trust.dsse import parse_envelope, require_payload_type, sign_envelope, verify_signature
from bspec_opa.trust.predicates import NAME, ORIGIN, REVISION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.trust.dsse import Envelope
    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.trust.signers import Signer

HEAD_PAYLOAD_TYPE = "application/vnd.bspec-opa.head+json"
SCHEMA_ID = "bspec.head/v1"
CURRENT, REVOKED, RETIRED = "current", "revoked", "retired"
STATES = (CURRENT, REVOKED, RETIRED)
"""What an environment's newest line can be: to be deployed, or not because it was revoked or its agent retired there.
A later version may add words; a reader that doesn't know one refuses the statement."""

HEAD_SCHEMA: JsonObject = obj(
    schema=enum(SCHEMA_ID),
    domain=IDENTIFIER,
    origin=ORIGIN,
    tree_size=integer(),
    root_hash=DIGEST,
    trust_root=obj(version=integer(1), digest=DIGEST),
    heads=array(
        obj(agent=IDENTIFIER, environment=IDENTIFIER, line=DIGEST, state=enum(*STATES)),
        maximum=100_000,
    ),
    bundles=array(obj(environment=IDENTIFIER, name=NAME, revision=REVISION, digest=DIGEST), maximum=10_000),
    publishers=array(obj(environment=IDENTIFIER, name=IDENTIFIER, minimum_sequence=integer(1)), maximum=10_000),
    issued=TIME,
    expires=TIME,
)


@dataclass(frozen=True, slots=True, order=True)
class CurrentLine:
    """The current line of an agent in an environment: the digest of its bytes, and what it is."""

    agent: str
    environment: str
    line: Digest
    state: str = CURRENT


@dataclass(frozen=True, slots=True)
class HeadStatement:
    """What is current, by one machine's word.

    Attributes:
        domain: of the trust root.
        origin: the ledger's name.
        tree_size: entries of the ledger.
        root_hash: its Merkle root at that size.
        root_version: the version of the trust root in force.
        root_digest: that version's digest.
        heads: the current lines, sorted.
        issued_unix: from when it holds, inclusive.
        expires_unix: until when it holds, exclusive.
        keyid: whose key has signed it; empty while it isn't signed.
    """

    domain: str
    origin: str
    tree_size: int
    root_hash: Digest
    root_version: int
    root_digest: Digest
    heads: tuple[CurrentLine, ...]
    issued_unix: int
    expires_unix: int
    keyid: str = ""

    def payload(self, root: TrustRoot) -> bytes:
        """The bytes to sign; what may decide is taken from the version of the root that it names."""
        heads: list[JsonValue] = [
            {"agent": h.agent, "environment": h.environment, "line": h.line, "state": h.state} for h in self.heads
        ]
        return canonical_bytes(
            {
                "schema": SCHEMA_ID,
                "domain": self.domain,
                "origin": self.origin,
                "tree_size": self.tree_size,
                "root_hash": self.root_hash,
                "trust_root": {"version": self.root_version, "digest": self.root_digest},
                "heads": heads,
                **_deciding(root),
                "issued": format_time(self.issued_unix),
                "expires": format_time(self.expires_unix),
            }
        )


def _deciding(root: TrustRoot) -> JsonObject:
    """The bundles that a version of the root accepts, and the least sequence of those that publishers sign."""
    bundles: list[JsonValue] = [
        {"environment": e.id, "name": b.name, "revision": b.revision, "digest": b.digest}
        for e in root.environments
        for b in root.accepted_bundles(e.id)
    ]
    publishers: list[JsonValue] = [
        {"environment": e.id, "name": p.name, "minimum_sequence": p.minimum_sequence}
        for e in root.environments
        for p in root.publishers_of(e.id)
    ]
    return {"bundles": bundles, "publishers": publishers}


def sign_head(statement: HeadStatement, roots: Sequence[TrustRoot], signer: Signer) -> bytes:
    """A signed statement, verified as its readers will.

    Raises:
        TrustError: the key is no head key of the newest root, the statement would hold for too long, or it has so
            many lines that nobody would read it.
    """
    require_head_key(signer, roots[-1])
    data = sign_envelope(statement.payload(roots[-1]), HEAD_PAYLOAD_TYPE, [signer]).to_bytes()
    read_head(data, "the new head statement", roots, statement.issued_unix)
    return data


def require_head_key(signer: Signer, root: TrustRoot) -> None:
    """Demand that a key may sign head statements, before anything is done that one is to be made of.

    Raises:
        TrustError: it may not.
    """
    _head_key(signer.keyid, root, "the key")


def read_head(data: bytes, name: str, roots: Sequence[TrustRoot], now: int) -> HeadStatement:
    """A statement that counts now, from exactly its bytes.

    Args:
        data: the file.
        name: what errors call it.
        roots: the walked chain; the newest says who may sign.
        now: Unix seconds.

    Raises:
        TrustError: it doesn't count, with the one reason.
    """
    statement = past_head(data, name, roots)
    _require_times(statement, roots[-1], now, Location(name))
    return statement


def past_head(data: bytes, name: str, roots: Sequence[TrustRoot]) -> HeadStatement:
    """As :func:`read_head`, for one that may have expired since."""
    envelope = parse_envelope(data, name)
    require_payload_type(envelope, HEAD_PAYLOAD_TYPE, name)
    found, at = _parse(envelope, name), Location(name)
    # Ahead of the signature, since an older root doesn't know a newer key; nothing but a refusal follows from it.
    _require_root(found, roots, at)
    root = roots[-1]
    _require_signer(envelope, root, name)
    if (found.domain, found.origin) != (root.domain, root.ledger.origin):
        message = f"is of the ledger {found.origin} in {found.domain}, not {root.ledger.origin} in {root.domain}"
        raise HEAD_OTHER.error(message, hint=HEAD_OTHER.remedy, at=at)
    if found.payload(roots[found.root_version - 1]) != envelope.payload:
        raise HEAD_OTHER.error(
            f"names other bundles than trust root version {found.root_version} accepts", hint=HEAD_OTHER.remedy, at=at
        )
    return found


def _parse(envelope: Envelope, name: str) -> HeadStatement:
    at = Location(name)
    try:
        value = parse_json(envelope.payload, name, text=False)
        faults = violations(HEAD_SCHEMA, value, limit=1)
        if faults:
            raise BAD_HEAD.error(f"{faults[0].pointer} {faults[0].message}".strip(), hint=BAD_HEAD.remedy, at=at)
        found = cast("dict[str, Any]", value)
        issued, expires = parse_time(found["issued"]), parse_time(found["expires"])
    except BspecError as e:
        if e.code == BAD_HEAD.code:
            raise
        raise BAD_HEAD.error(f"is no head statement: {e.problems[0].message}", at=at) from e
    heads = tuple(CurrentLine(h["agent"], h["environment"], Digest(h["line"]), h["state"]) for h in found["heads"])
    places = [(h.agent, h.environment) for h in heads]
    if places != sorted(set(places)):
        raise BAD_HEAD.error("its lines are not in order, or one place has two", hint=BAD_HEAD.remedy, at=at)
    root = found["trust_root"]
    return HeadStatement(
        found["domain"],
        found["origin"],
        found["tree_size"],
        Digest(found["root_hash"]),
        root["version"],
        Digest(root["digest"]),
        heads,
        issued,
        expires,
        envelope.signatures[0].keyid,
    )


def _require_root(found: HeadStatement, roots: Sequence[TrustRoot], at: Location) -> None:
    """The version that it names is in the chain: whoever has only older ones has old files (attack A18)."""
    here = roots[-1].version
    if found.root_version > here:
        message = f"was made under trust root version {found.root_version}, and here is version {here}"
        raise OLDER_ROOT.error(message, hint=OLDER_ROOT.remedy, at=at)
    if roots[found.root_version - 1].digest != found.root_digest:
        message = f"was made under another version {found.root_version} of the trust root than is here"
        raise OLDER_ROOT.error(message, hint="two versions of one number: find out which is genuine", at=at)


def _require_signer(envelope: Envelope, root: TrustRoot, name: str) -> None:
    at = Location(name)
    if len(envelope.signatures) != 1:
        raise HEAD_KEY.error(
            f"carries {len(envelope.signatures)} signatures; one key signs it", hint=HEAD_KEY.remedy, at=at
        )
    (signature,) = envelope.signatures
    verify_signature(envelope, signature, _head_key(signature.keyid, root, name), name)


def _head_key(keyid: str, root: TrustRoot, name: str) -> PublicKey:
    key = next((k for k in root.head_keys() if k.keyid == keyid), None)
    if key is None:
        message = f"key {keyid[:12]} is no valid head key of trust root version {root.version}"
        raise HEAD_KEY.error(message, hint=HEAD_KEY.remedy, at=Location(name))
    return key


def _require_times(found: HeadStatement, root: TrustRoot, now: int, at: Location) -> None:
    """From ``issued``, less the skew, to ``expires`` exclusive: a clock that is set back is told (attack A17)."""
    currency = root.currency
    assert currency is not None  # noqa: S101 - one of its keys has signed
    lifetime = found.expires_unix - found.issued_unix
    if not 0 < lifetime <= currency.max_lifetime_s:
        message = (
            f"is made to hold for {lifetime} s; trust root version {root.version} allows {currency.max_lifetime_s} s"
        )
        raise HEAD_LIFETIME.error(message, hint=HEAD_LIFETIME.remedy, at=at)
    if found.issued_unix > now + currency.skew_s:
        message = f"it is {format_time(now)} here, and the statement is of {format_time(found.issued_unix)}"
        raise HEAD_NOT_YET.error(message, hint=HEAD_NOT_YET.remedy, at=at)
    if now >= found.expires_unix:
        raise HEAD_EXPIRED.error(f"expired at {format_time(found.expires_unix)}", hint=HEAD_EXPIRED.remedy, at=at)
