"""Our key files and variables as a real ``securesystemslib`` signer, for tools that take one.

To make the library open ``file:`` and ``envvar:`` itself, a program registers
``SIGNER_FOR_URI_SCHEME["file"] = LocalSigner``; we don't change its table for everybody.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from securesystemslib.signer import (  # type: ignore[attr-defined]  # public, no __all__
    Key,
    SecretsHandler,
    Signature,
    Signer,
)

from bspec_opa.trust.foreign_signer import library_key
from bspec_opa.trust.reasons import BAD_SIGNER_URI
from bspec_opa.trust.signers import open_key

if TYPE_CHECKING:
    from bspec_opa.trust.keys import PrivateKey


class LocalSigner(Signer):
    """Signs with a key in memory."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    @property
    def public_key(self) -> Key:
        """The public key in the library's form, under our key id."""
        return library_key(self._key.public)

    def sign(self, payload: bytes) -> Signature:
        """The signature over the payload."""
        return Signature(self._key.keyid, self._key.sign(payload).hex())

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> LocalSigner:
        """The signer of ``file:PATH`` or ``envvar:NAME``, as the library's interface asks for it.

        Raises:
            UsageError: another scheme, no such variable, or the key of another public key.
            InvalidInputError, TrustError: the key can't be read or used.
        """
        scheme, _, rest = priv_key_uri.partition(":")
        passphrase = secrets_handler("passphrase").encode() if secrets_handler else None
        signer = cls(open_key(scheme, rest, os.environ, passphrase or None))
        if signer.public_key.keyval != public_key.keyval:
            hint = "name the private half of that public key"
            raise BAD_SIGNER_URI.error(f"{scheme}: holds another key than {public_key.keyid[:12]}", hint=hint)
        return signer
