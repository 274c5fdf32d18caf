"""Publishers of policy bundles: the keys that sign them with OPA's own signatures, and what a trust root asks of one.

A publisher's key signs JSON Web Tokens, so its algorithms are ES256 (ECDSA P-256) and RS256 (RSA, PKCS #1 v1.5). The
algorithm belongs to the key: no header of a token ever chooses it (attack A30).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from bspec_opa.foundation.errors import Location
from bspec_opa.trust.reasons import BAD_KEY

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    NativePublisherKey = EllipticCurvePublicKey | RSAPublicKey

PublisherAlgorithm = Literal["ES256", "RS256"]
PUBLISHER_ALGORITHMS: tuple[PublisherAlgorithm, ...] = ("ES256", "RS256")
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
_EXPONENT = 65_537
_HINT = "use ECDSA P-256 or RSA of 2048 to 8192 bits with exponent 65537"


@dataclass(frozen=True, slots=True)
class PublisherKey:
    """A publisher's public key.

    Attributes:
        id: what signatures call it, OPA's ``keyid``.
        algorithm: the one algorithm that it signs with.
        spki: SubjectPublicKeyInfo, DER.
    """

    id: str
    algorithm: PublisherAlgorithm
    spki: bytes

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits, the SHA-256 of ``spki``: what a revocation names."""
        return hashlib.sha256(self.spki).hexdigest()

    @property
    def native(self) -> NativePublisherKey:
        """The key object of ``cryptography``."""
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        return cast("NativePublisherKey", load_der_public_key(self.spki))


@dataclass(frozen=True, slots=True)
class Publisher:
    """Whose signature makes a bundle acceptable; two entries of one name are two keys of one publisher.

    Attributes:
        name: whose key it is; what is remembered is remembered under it.
        key: verifies its signatures.
        scope: what its signatures must say as ``scope``; ``""`` is none.
        minimum_sequence: bundles with a lower sequence are refused.
        max_age_s: bundles that were signed longer ago are refused; 0 is no limit.
    """

    name: str
    key: PublisherKey
    scope: str = ""
    minimum_sequence: int = 1
    max_age_s: int = 0


def publisher_key_of(native: object, identifier: str = "", at: Location | None = None) -> PublisherKey:
    """The key of a key object of ``cryptography``; its id is its fingerprint unless one is given.

    Raises:
        TrustError: another algorithm, curve or size.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    algorithm: PublisherAlgorithm
    if isinstance(native, EllipticCurvePublicKey) and isinstance(native.curve, SECP256R1):
        algorithm = "ES256"
    elif isinstance(native, RSAPublicKey) and MIN_RSA_BITS <= native.key_size <= MAX_RSA_BITS:
        algorithm = "RS256"
        if native.public_numbers().e != _EXPONENT:
            raise BAD_KEY.error("is an RSA key with an unusual exponent", hint=_HINT, at=at)
    else:
        raise BAD_KEY.error("is no key that can sign bundles", hint=_HINT, at=at)
    der = native.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return PublisherKey(identifier or hashlib.sha256(der).hexdigest(), algorithm, der)


def publisher_key_from_pem(pem: bytes, identifier: str = "", name: str = "publisher key") -> PublisherKey:
    """A publisher's key from SubjectPublicKeyInfo PEM.

    Raises:
        TrustError: no such PEM, a private key, or a key that can't sign bundles.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    at = Location(name)
    if b"PRIVATE KEY" in pem:
        hint = "give the public half; replace this key if the file was shared"
        raise BAD_KEY.error("holds a private key where a public one is expected", hint=hint, at=at)
    try:
        native = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        hint = "make one with openssl pkey -pubout"
        raise BAD_KEY.error("holds no public key in SubjectPublicKeyInfo PEM", hint=hint, at=at) from None
    return publisher_key_of(native, identifier, at)


def publisher_key_from_spki(algorithm: str, der: bytes, identifier: str) -> PublisherKey:
    """A publisher's key from SubjectPublicKeyInfo DER, as trust roots hold it.

    Raises:
        TrustError: not in the one accepted encoding, or another algorithm than named.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        native = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise BAD_KEY.error("is no SubjectPublicKeyInfo", hint="take it from a PEM file") from None
    key = publisher_key_of(native, identifier)
    if key.algorithm != algorithm:
        raise BAD_KEY.error(f"is a key for {key.algorithm}, not for {algorithm[:40]!r}", hint="correct alg")
    if key.spki != der:
        raise BAD_KEY.error("is not in the canonical encoding", hint="take it from a PEM file")
    return key
