"""Putting a signature into a bundle and taking it out; revision, data and Rego stay what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.bundle.archive import compress, write_tar
from bspec_opa.bundle.layout import SIGNATURES
from bspec_opa.bundle.signing.hashing import file_hash
from bspec_opa.bundle.signing.reasons import CANT_SIGN
from bspec_opa.bundle.signing.token import read_signature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.bundle.read import Bundle


def without_signature(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files that a signature is over."""
    return {n: d for n, d in files.items() if n != SIGNATURES}


def attached(bundle: Bundle, signatures: bytes) -> bytes:
    """A bundle's archive with this ``.signatures.json``, in place of one that is there.

    Who signed isn't looked at here: that takes the publisher's key.

    Raises:
        TrustError: it has another form than OPA's.
        InvalidInputError: it is not over exactly the bundle's files.
    """
    files, signed = without_signature(bundle.files), read_signature(signatures).files
    if different := sorted(n for n in files.keys() | signed.keys() if _hash(files, n) != signed.get(n)):
        raise CANT_SIGN.error(f"{different[0][:200]} is not what the signatures say")
    return compress(write_tar({**files, SIGNATURES: signatures}))


def _hash(files: Mapping[str, bytes], name: str) -> str:
    return file_hash(name, files[name]) if name in files else "missing"


def detached(bundle: Bundle) -> bytes:
    """A bundle's archive without its signature, for an OPA that was given no key to verify one with."""
    return compress(write_tar(without_signature(bundle.files)))
