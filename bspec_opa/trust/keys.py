"""Keys: Ed25519, and ECDSA P-256 for hardware and cloud signers.

A key's id is the SHA-256 of its SubjectPublicKeyInfo DER. Only the one encoding that ``cryptography`` itself
writes is accepted, so that one key can't appear under two ids (attack A09).
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.files import write_new
from bspec_opa.foundation.reasons import UNREADABLE
from bspec_opa.trust.key_names import shown_key_name
from bspec_opa.trust.reasons import BAD_KEY, KEY_EXPOSED, KEY_PASSPHRASE

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    NativePrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey
    NativePublicKey = Ed25519PublicKey | EllipticCurvePublicKey

Algorithm = Literal["ed25519", "ecdsa-p256-sha256"]
ALGORITHMS: tuple[Algorithm, ...] = ("ed25519", "ecdsa-p256-sha256")
MAX_KEY_BYTES = 16 * 1024

_P = 2**255 - 19
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
# The y coordinates of the points of order 1, 2, 4 and 8: such a "key" verifies signatures that nobody made.
_SMALL_ORDER = frozenset((0, 1, _P - 1, _ORDER_8, _P - _ORDER_8))


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key.

    Attributes:
        keyid: 64 hexadecimal digits, the SHA-256 of ``spki``.
        algorithm: ``ed25519`` (RFC 8032) or ``ecdsa-p256-sha256`` (FIPS 186-5, DER signatures).
        spki: SubjectPublicKeyInfo, DER.
    """

    keyid: str
    algorithm: Algorithm
    spki: bytes

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is this key's over exactly these bytes."""
        from cryptography.exceptions import InvalidSignature

        key = _load_spki(self.spki)
        try:
            if self.algorithm == "ed25519":
                cast("Ed25519PublicKey", key).verify(signature, message)
            else:
                cast("EllipticCurvePublicKey", key).verify(signature, message, _ecdsa())
        except InvalidSignature:
            return False
        return True

    @property
    def pem(self) -> bytes:
        """SubjectPublicKeyInfo PEM, the form that other tools read."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return _load_spki(self.spki).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class PrivateKey:
    """A private key in memory; never printed, never part of an error. Is a ``Signer``."""

    __slots__ = ("_native", "public")

    def __init__(self, native: NativePrivateKey) -> None:
        """Wrap a key of ``cryptography``.

        Raises:
            TrustError: another algorithm or curve.
        """
        self._native = native
        self.public: PublicKey = public_key_of(native.public_key())

    @property
    def keyid(self) -> str:
        """The id of the public half."""
        return self.public.keyid

    def sign(self, message: bytes) -> bytes:
        """The signature over the message: 64 bytes for Ed25519, DER for ECDSA."""
        if self.public.algorithm == "ed25519":
            return cast("Ed25519PrivateKey", self._native).sign(message)
        return cast("EllipticCurvePrivateKey", self._native).sign(message, _ecdsa())

    def to_pem(self, passphrase: bytes | None = None) -> bytes:
        """PKCS#8 PEM, encrypted if a passphrase is given."""
        from cryptography.hazmat.primitives import serialization as s

        encryption = s.BestAvailableEncryption(passphrase) if passphrase else s.NoEncryption()
        return self._native.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, encryption)


def generate_private_key(passphrase: bytes | None = None, algorithm: Algorithm = "ed25519") -> bytes:
    """A fresh key as PKCS#8 PEM, encrypted if a passphrase is given."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    native = Ed25519PrivateKey.generate() if algorithm == "ed25519" else generate_private_key(SECP256R1())
    return PrivateKey(native).to_pem(passphrase)


def write_private_key(path: Path, pem: bytes) -> None:
    """Create a key file, readable by its owner only (attack A74); raises as :func:`write_new`."""
    write_new(path, pem, mode=0o600)


def load_private_key(path: Path, passphrase: bytes | None = None) -> PrivateKey:
    """A private key from a file.

    Raises:
        InvalidInputError: the file is missing, a link, not a regular file or too large.
        TrustError: group or others may read it (attack A74), the passphrase is wrong, or it holds no usable key.
    """
    return private_key_from_pem(read_owned(path), passphrase, shown_key_name(str(path)))


def private_key_from_pem(pem: bytes, passphrase: bytes | None = None, name: str = "private key") -> PrivateKey:
    """A private key from PKCS#8 PEM.

    Args:
        pem: the text of the file.
        passphrase: what it was encrypted with, or None.
        name: what errors call it; the PEM itself never appears in them (attack A71).

    Raises:
        TrustError: the passphrase is wrong, missing or superfluous, or there is no usable key.
    """
    native = native_private_key(pem, passphrase, name)
    _require_supported(native.public_key(), Location(name))
    return PrivateKey(cast("NativePrivateKey", native))


def native_private_key(pem: bytes, passphrase: bytes | None, name: str) -> PrivateKeyTypes:
    """The key object of ``cryptography``, of whatever algorithm; as :func:`private_key_from_pem`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    at = Location(name)
    encrypted = b"ENCRYPTED" in pem
    if encrypted != bool(passphrase):
        wrong = "is encrypted and no passphrase was given" if encrypted else "is not encrypted, yet one was given"
        raise KEY_PASSPHRASE.error(f"the key {wrong}", hint="give the passphrase exactly when there is one", at=at)
    try:
        return load_pem_private_key(pem, passphrase or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        if encrypted:
            raise KEY_PASSPHRASE.error("the passphrase doesn't open this key", hint="try again", at=at) from None
        raise BAD_KEY.error("holds no private key in PKCS#8 PEM", hint="make one with key generate", at=at) from None


def read_owned(path: Path) -> bytes:
    """The bytes of a private key's file: open once, judge the open descriptor, read it (attack A43)."""
    at = Location(shown_key_name(str(path)))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as e:
        why = e.strerror if isinstance(e, OSError) else "is no file name"
        hint = "name an existing regular file; links are not followed"
        raise UNREADABLE.error(f"key file can't be read: {why}", hint=hint, at=at) from e
    try:
        status = os.fstat(descriptor)
        _require_regular(status, at)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(MAX_KEY_BYTES + 1) or b""
    except OSError as e:
        hint = "name an existing regular file"
        raise UNREADABLE.error(f"key file can't be read: {e.strerror}", hint=hint, at=at) from e
    finally:
        os.close(descriptor)
    if b"-----BEGIN PUBLIC KEY-----" in data:
        raise BAD_KEY.error("holds a public key", hint="give its private half, without .pub in its name", at=at)
    _require_private(status, at)
    if len(data) > MAX_KEY_BYTES:
        raise BAD_KEY.error("is too large for a key", hint="name a PKCS#8 PEM file", at=at)
    return data


def _require_regular(status: os.stat_result, at: Location) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UNREADABLE.error("key file is not a regular file", hint="name an existing regular file", at=at)


def _require_private(status: os.stat_result, at: Location) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise KEY_EXPOSED.error(f"key file has mode {mode:04o}: others may use it", hint="chmod 600 it", at=at)


def public_key_from_pem(pem: bytes, name: str = "public key") -> PublicKey:
    """A public key from SubjectPublicKeyInfo PEM.

    Raises:
        TrustError: no such PEM, a private key, or another algorithm.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    at = Location(name)
    if b"PRIVATE KEY" in pem:
        hint = "give the public half, as key show prints it; replace this key if the file was shared"
        raise BAD_KEY.error("holds a private key where a public one is expected", hint=hint, at=at)
    try:
        native = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        hint = "print it with key show"
        raise BAD_KEY.error("holds no public key in SubjectPublicKeyInfo PEM", hint=hint, at=at) from None
    _require_supported(native, at)
    return public_key_of(cast("NativePublicKey", native))


def public_key_from_spki(algorithm: str, der: bytes) -> PublicKey:
    """A public key from SubjectPublicKeyInfo DER, as trust roots hold it.

    Raises:
        TrustError: not in the one accepted encoding, another algorithm than named, or a degenerate point.
    """
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        native = _load_spki(der)
    except (ValueError, UnsupportedAlgorithm):
        raise BAD_KEY.error("is no SubjectPublicKeyInfo", hint="take it from a PEM file of key show") from None
    _require_supported(native, None)
    key = public_key_of(native)
    if key.algorithm != algorithm:
        raise BAD_KEY.error(f"is a key for {key.algorithm}, not for {algorithm[:40]!r}", hint="correct alg")
    if key.spki != der:
        raise BAD_KEY.error("is not in the canonical encoding", hint="take it from a PEM file of key show")
    return key


def public_key_of(native: NativePublicKey) -> PublicKey:
    """The public key of a key object of ``cryptography``.

    Raises:
        TrustError: another algorithm or curve, or a degenerate point.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    _require_supported(native, None)
    der = native.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    algorithm: Algorithm = "ed25519" if isinstance(native, Ed25519PublicKey) else "ecdsa-p256-sha256"
    if algorithm == "ed25519":
        _require_strong_point(der[-32:])
    return PublicKey(hashlib.sha256(der).hexdigest(), algorithm, der)


def _require_supported(native: object, at: Location | None) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if isinstance(native, Ed25519PublicKey):
        return
    if isinstance(native, EllipticCurvePublicKey) and isinstance(native.curve, SECP256R1):
        return
    raise BAD_KEY.error("is a key of another algorithm", hint="use Ed25519 or ECDSA P-256", at=at)


def _require_strong_point(raw: bytes) -> None:
    """Refuse points of small order and second encodings of the same point (RFC 8032, 5.1.3)."""
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    if y >= _P or y in _SMALL_ORDER:
        raise BAD_KEY.error("is a degenerate Ed25519 point", hint="make a key with key generate")


def native_public_key(key: PublicKey) -> NativePublicKey:
    """The key object of ``cryptography``, for libraries that take one."""
    return _load_spki(key.spki)


def _load_spki(der: bytes) -> NativePublicKey:
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    return cast("NativePublicKey", load_der_public_key(der))


def _ecdsa() -> ECDSA:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    return ECDSA(SHA256())
