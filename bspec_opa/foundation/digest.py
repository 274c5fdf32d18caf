"""SHA-256 digests, written ``sha256:<64 lower-case hex>`` everywhere but in in-toto subjects."""

from __future__ import annotations

import hashlib
import re
from typing import NewType

from bspec_opa.foundation.canonical import JsonValue, canonical_bytes
from bspec_opa.foundation.reasons import BAD_DIGEST

Digest = NewType("Digest", str)
PREFIX = "sha256:"
_FORM = re.compile(r"sha256:[0-9a-f]{64}\Z")

ZERO_DIGEST = Digest(PREFIX + "0" * 64)
"""Names nothing: the predecessor of a first line."""


def digest_of(data: bytes) -> Digest:
    """The digest of bytes."""
    return Digest(PREFIX + hashlib.sha256(data).hexdigest())


def digest_json(value: JsonValue) -> Digest:
    """The digest of a value's RFC 8785 form."""
    return digest_of(canonical_bytes(value))


def is_digest(text: object) -> bool:
    """Whether a value is a well-formed digest."""
    return isinstance(text, str) and _FORM.match(text) is not None


def parse_digest(text: str) -> Digest:
    """Text as a digest.

    Raises:
        InvalidInputError: it is not one.
    """
    if not is_digest(text):
        raise BAD_DIGEST.error(f"{text[:80]!r} is not a digest", hint="write sha256: and 64 hexadecimal digits")
    return Digest(text)


def hex_of(digest: Digest) -> str:
    """The 64 hexadecimal digits alone, as in-toto subjects and file names have them."""
    return digest.removeprefix(PREFIX)
