"""Private keys that sign bundles, from PEM files that only their owner may read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.signing.reasons import SIGNING_KEY
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.trust.key_names import shown_key_name
from bspec_opa.trust.keys import native_private_key, read_owned
from bspec_opa.trust.publisher import publisher_key_of

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from bspec_opa.trust.publisher import PublisherKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A publisher's private key; never printed."""

    public: PublisherKey
    native: EllipticCurvePrivateKey | RSAPrivateKey = field(repr=False)


def load_signing_key(path: Path, identifier: str = "", passphrase: bytes | None = None) -> SigningKey:
    """A signing key from a file.

    Args:
        path: PKCS#8 PEM, mode 0600.
        identifier: what signatures call it; its fingerprint by default.
        passphrase: what it was encrypted with, or None.

    Raises:
        TrustError: others may read it (attack A74), or the passphrase is wrong.
        UsageError: it is a key of another kind.
    """
    name = shown_key_name(str(path))
    native = native_private_key(read_owned(path), passphrase, name)
    try:
        public = publisher_key_of(native.public_key(), identifier)
    except BspecError as e:
        raise SIGNING_KEY.error(e.problems[0].message, hint=e.problems[0].hint, at=Location(name)) from e
    return SigningKey(public, cast("EllipticCurvePrivateKey | RSAPrivateKey", native))
