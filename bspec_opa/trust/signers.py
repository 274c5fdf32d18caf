"""Opening a signer by URI: a key file, an environment variable, or what ``securesystemslib`` knows.

``file:PATH`` or a bare path, ``envvar:NAME``; ``hsm:``, ``awskms:``, ``gcpkms:``, ``azurekms:`` and ``hv:`` go to
``securesystemslib``, with the file of their public key behind a ``#``: ``hsm:2?label=anna#keys/anna.pub.pem``. So a
device or a cloud can't pass off another key. The library's ``file2:`` is refused: it can't open an encrypted key and
obeys an ambient path variable. No secret and no URI with a possible secret in it appears in an error (attack A71).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bspec_opa.foundation.files import read_bounded
from bspec_opa.trust.key_names import shown_key_name
from bspec_opa.trust.keys import MAX_KEY_BYTES, load_private_key, private_key_from_pem, public_key_from_pem
from bspec_opa.trust.reasons import BAD_SIGNER_URI

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.trust.keys import PrivateKey, PublicKey

FOREIGN_SCHEMES = frozenset(("hsm", "awskms", "gcpkms", "azurekms", "hv"))
"""Schemes that are left to ``securesystemslib``."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):")
_HINT = "write file:PATH, envvar:NAME, or a URI of hsm, awskms, gcpkms, azurekms or hv with #PUBLIC-KEY-FILE"


class Signer(Protocol):
    """Whoever signs: a key in memory, in a device or in a cloud."""

    @property
    def keyid(self) -> str:
        """The id of the public key."""

    @property
    def public(self) -> PublicKey:
        """The public key."""

    def sign(self, message: bytes) -> bytes:
        """The raw signature over exactly this message."""


def open_signer(
    uri: str, *, environ: Mapping[str, str], passphrase: bytes | None = None, public: PublicKey | None = None
) -> Signer:
    """The signer behind a URI.

    Args:
        uri: see above; a text without a scheme is a path.
        environ: where ``envvar:NAME`` is looked up.
        passphrase: of an encrypted key; the PIN of a device.
        public: the public key that the signer must have; of a device or a cloud it may be named in the URI instead.

    Raises:
        UsageError: the URI isn't understood.
        InvalidInputError: the file can't be read.
        TrustError: the key can't be used, or is another one than ``public``.
    """
    scheme, rest = _split(uri)
    if scheme in FOREIGN_SCHEMES:
        return _open_foreign(scheme, uri, passphrase, public)
    key = open_key(scheme, rest, environ, passphrase)
    if public is not None and public != key.public:
        message = f"{scheme}: holds key {key.keyid[:12]}, expected is {public.keyid[:12]}"
        raise BAD_SIGNER_URI.error(message, hint="name the private half of that public key")
    return key


def _open_foreign(scheme: str, uri: str, passphrase: bytes | None, public: PublicKey | None) -> Signer:
    from bspec_opa.trust.foreign_signer import open_foreign

    uri, _, file = uri.partition("#")
    if file:
        named = public_key_from_pem(read_bounded(Path(file), MAX_KEY_BYTES), shown_key_name(file))
        if public not in {None, named}:
            message = f"{scheme}: has key {named.keyid[:12]} behind its #"
            raise BAD_SIGNER_URI.error(message, hint="name the public key that is expected")
        public = named
    if public is None:
        hint = f"write the file of its public key behind a #: {scheme}:…#keys/NAME.pub.pem"
        raise BAD_SIGNER_URI.error(f"{scheme}: needs the public key", hint=hint)
    return open_foreign(uri, public, passphrase)


def open_key(scheme: str, rest: str, environ: Mapping[str, str], passphrase: bytes | None) -> PrivateKey:
    """The private key of a ``file`` or ``envvar`` URI.

    Raises:
        UsageError: another scheme, or no such variable.
        InvalidInputError, TrustError: as :func:`~bspec_opa.trust.keys.load_private_key`.
    """
    if scheme == "file":
        return load_private_key(Path(rest), passphrase)
    if scheme != "envvar":
        raise BAD_SIGNER_URI.error(f"scheme {scheme[:20]} is not supported", hint=_HINT)
    if not _VARIABLE.match(rest):
        raise BAD_SIGNER_URI.error("envvar: is not followed by the name of a variable", hint="write envvar:NAME")
    pem = environ.get(rest)
    if not pem:
        shown_variable = rest if shown_key_name(rest) == rest else "named here"
        raise BAD_SIGNER_URI.error(f"environment variable {shown_variable} is not set", hint="put the PEM text into it")
    return private_key_from_pem(pem.encode("utf-8", "replace"), passphrase, f"envvar:{rest}")


def _split(uri: str) -> tuple[str, str]:
    """Scheme and rest; a key pasted in place of its name is refused without being shown."""
    if "-----BEGIN" in uri or "\n" in uri or not uri:
        raise BAD_SIGNER_URI.error("the signer is not named by a URI or path", hint=_HINT)
    match = _SCHEME.match(uri)
    if match is None:
        return "file", uri
    return match.group(1), uri[match.end() :]
