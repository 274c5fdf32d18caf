"""Keys as files, and which key signs what."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.foundation.digest import is_digest
from bspec_opa.foundation.errors import Location, TrustError
from bspec_opa.foundation.files import beside, make_directory, read_bounded, write_new
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.foundation.reasons import EXISTS
from bspec_opa.trust.keys import (
    PublicKey,
    generate_private_key,
    load_private_key,
    private_key_from_pem,
    public_key_from_pem,
    write_private_key,
)
from bspec_opa.trust.publisher import publisher_key_from_pem
from bspec_opa.trust.rotation import find_key
from bspec_opa.trust.signers import open_signer
from bspec_opa.workflow.reasons import BAD_PASSPHRASE, KEY_MISSING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bspec_opa.trust.keys import Algorithm
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.trust.signers import Signer
    from bspec_opa.workflow.checkout.config import Config

PASSPHRASE = "BSPEC_OPA_PASSPHRASE"  # noqa: S105 - the variable's name
MAX_PASSPHRASE_BYTES = 1_023
PRIVATE_SUFFIX, PUBLIC_SUFFIX = ".pem", ".pub.pem"


def public_name(private: Path) -> Path:
    """The public half's file: ``author.pem`` has ``author.pub.pem``."""
    return beside(private, private.name.removesuffix(PRIVATE_SUFFIX) + PUBLIC_SUFFIX)


def generate_key(file: Path, passphrase: bytes | None, algorithm: Algorithm = "ed25519") -> tuple[PublicKey, Path]:
    """Make a key and write both halves; neither may be there already.

    Raises:
        UsageError: one of the files is there.
        StoreError: one can't be written.
    """
    if os.path.lexists(public_name(file)):
        raise EXISTS.error("is already there", hint="choose another name", at=Location(str(public_name(file))))
    pem = generate_private_key(passphrase, algorithm)
    public = private_key_from_pem(pem, passphrase).public
    make_directory(file.parent)
    write_private_key(file, pem)
    write_new(public_name(file), public.pem)
    return public, public_name(file)


def read_public_key(file: Path, passphrase: str | None) -> PublicKey:
    """The public half of a key file, whichever half it is.

    Raises:
        BspecError: it is no key, or readable by others.
    """
    data = read_bounded(file, MAX_DOCUMENT_BYTES)
    if b"PRIVATE KEY" in data:
        return load_private_key(file, passphrase_bytes(passphrase)).public
    return public_key_from_pem(data, str(file))


def public_key_at(file: str) -> PublicKey:
    """A public key that a trust root is to hold.

    Raises:
        InvalidInputError: the file can't be read.
        TrustError: it is no public key; a private one is refused, too, so that nobody brings it along.
    """
    return public_key_from_pem(read_bounded(Path(file), MAX_DOCUMENT_BYTES), file)


def key_named(text: str, root: TrustRoot) -> str:
    """The id of a key that is named by its public PEM file or by the first digits of its id.

    Raises:
        UsageError: no key of the root begins so, or several do.
        InvalidInputError, TrustError: as :func:`public_key_at`; a publisher's key is taken, too.
    """
    found = find_key(root, text)
    if found is not None:
        return found
    data = read_bounded(Path(text), MAX_DOCUMENT_BYTES)
    try:
        return publisher_key_from_pem(data, name=text).fingerprint
    except TrustError:
        return public_key_from_pem(data, text).keyid


def revocable(text: str, root: TrustRoot) -> str:
    """The id of a key as :func:`key_named`, or a record's digest as it is."""
    return text if is_digest(text) else key_named(text, root)


_FLAGS = {"gate": "--gate-key", "ledger": "--ledger-key"}


def signer_for(role: str, flag: str | None, config: Config, environ: Mapping[str, str]) -> Signer:
    """The signer for a role: the flag's key, or the one that the configuration names.

    Args:
        role: author, approver, evaluator, promoter, reviewer, revoker, retirer, gate or ledger.
        flag: what ``--key`` says.
        config: holds ``signing.<role>``.
        environ: for ``envvar:`` keys and the passphrase.

    Raises:
        UsageError: neither names a key.
    """
    uri = flag or config.text(f"signing.{role}")
    if uri is None:
        option = _FLAGS.get(role, "--key")
        raise KEY_MISSING.error(f"no key for the {role}", hint=f"give {option}, or signing.{role} in bspec-opa.toml")
    return open_signer(uri, environ=environ, passphrase=passphrase_bytes(environ.get(PASSPHRASE)))


def open_keys(uris: Sequence[str], environ: Mapping[str, str]) -> list[Signer]:
    """Several signers, such as the root keys; an encrypted one takes the passphrase of the environment."""
    passphrase = passphrase_bytes(environ.get(PASSPHRASE))
    return [open_signer(u, environ=environ, passphrase=passphrase) for u in uris]


def passphrase_bytes(text: str | None) -> bytes | None:
    """A passphrase as it encrypts a key: UTF-8, at most 1,023 bytes, as OpenSSL takes it; None for none.

    Raises:
        UsageError: longer, or from a variable that is not UTF-8. It is never repeated.
    """
    try:
        found = (text or "").encode()
    except UnicodeEncodeError:
        raise BAD_PASSPHRASE.error("the passphrase is not UTF-8", hint=f"set {PASSPHRASE} in UTF-8") from None
    if len(found) > MAX_PASSPHRASE_BYTES:
        message = f"the passphrase has more than {MAX_PASSPHRASE_BYTES} bytes"
        raise BAD_PASSPHRASE.error(message, hint="encrypt the key with a shorter one")
    return found or None
