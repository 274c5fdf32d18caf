"""Any ``securesystemslib`` signer as ours: hardware tokens, cloud KMS, Vault. Imported only when one is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, SSlibKey  # type: ignore[attr-defined]  # public, no __all__

from bspec_opa.trust.keys import native_public_key
from bspec_opa.trust.reasons import SIGNER_FAILED

if TYPE_CHECKING:
    from securesystemslib.signer import Signer as LibrarySigner  # type: ignore[attr-defined]  # as above

    from bspec_opa.trust.keys import PublicKey

_SCHEMES = {"ed25519": "ed25519", "ecdsa-p256-sha256": "ecdsa-sha2-nistp256"}


def library_key(public: PublicKey) -> SSlibKey:
    """Our public key in the library's form, under our key id."""
    return SSlibKey.from_crypto(native_public_key(public), public.keyid, _SCHEMES[public.algorithm])


class ForeignSigner:
    """A ``securesystemslib`` signer as a :class:`~bspec_opa.trust.signers.Signer`.

    Each signature is verified before it is used, so that a signer for another key is found here and not by the
    one who checks.
    """

    __slots__ = ("_secret", "_signer", "public")

    def __init__(self, signer: LibrarySigner, public: PublicKey, secret: _Secret | None = None) -> None:
        self._signer = signer
        self._secret = secret
        self.public = public

    @property
    def keyid(self) -> str:
        """The id of the public key."""
        return self.public.keyid

    def sign(self, message: bytes) -> bytes:
        """The raw signature.

        Raises:
            TrustError: the signer failed, or signed with another key.
        """
        try:
            signature = bytes.fromhex(self._signer.sign(message).signature)
        except Exception as e:  # noqa: BLE001 - backends raise anything: network, device, library errors
            raise _failed("could not sign", e, asked=self._secret is not None and self._secret.is_missing) from None
        if not self.public.verify(signature, message):
            message_ = f"the signer's signature doesn't verify with key {self.keyid[:12]}"
            raise SIGNER_FAILED.error(message_, hint="check that the URI and the public key belong together")
        return signature


class _Secret:
    """Answers whatever secret a backend asks for, and remembers that there was none to give."""

    def __init__(self, passphrase: bytes | None) -> None:
        self._passphrase = passphrase
        self.is_missing = False

    def __call__(self, _name: str) -> str:
        """The secret.

        Raises:
            ValueError: there is none.
        """
        if self._passphrase is None:
            self.is_missing = True
            raise ValueError("a secret is asked for")
        return self._passphrase.decode()


def open_foreign(uri: str, public: PublicKey, passphrase: bytes | None = None) -> ForeignSigner:
    """The signer of a scheme that ``securesystemslib`` knows.

    Args:
        uri: such as ``awskms:<key id>``; see the library's documentation of each signer.
        public: its public key.
        passphrase: given to whatever secret the backend asks for, such as a PIN.

    Raises:
        TrustError: the backend isn't installed, or it fails.
    """
    secret = _Secret(passphrase)
    scheme = uri.partition(":")[0]
    factory: Any = SIGNER_FOR_URI_SCHEME[scheme]  # the library types its table as plain types
    try:
        signer = factory.from_priv_key_uri(uri, library_key(public), secret)
    except Exception as e:  # noqa: BLE001 - as above
        raise _failed(f"{scheme}: can't be opened", e, asked=secret.is_missing) from None
    return ForeignSigner(signer, public, secret)


def _failed(what: str, error: Exception, *, asked: bool = False) -> Exception:
    """Name the kind of the failure only: backends put URIs and tokens into their messages (attack A71)."""
    hint = "install the extra package of this backend, and check its credentials and the URI"
    if asked:
        hint = "it asks for a secret, such as a token's PIN: give it in BSPEC_OPA_PASSPHRASE"
    return SIGNER_FAILED.error(f"{what} ({type(error).__name__})", hint=hint)
