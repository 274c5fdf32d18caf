"""Bearer tokens that let a sidecar in: a file with one a line, so that a new one is valid before the old one goes."""

from __future__ import annotations

import hmac
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from bspec_opa.bundle.serving.reasons import BAD_CREDENTIALS
from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.limits import KIB

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_TOKEN_FILE_BYTES = 64 * KIB
MIN_TOKEN = 16
"""Characters; fewer could be guessed."""
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1
_HINT = "write one token a line, without 'Bearer '; lines that begin with # and empty ones don't count"


class Tokens:
    """Digests of the tokens that are valid; the tokens themselves are not kept."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._digests = tuple(sha256(t.encode()).digest() for t in tokens)

    def __len__(self) -> int:
        return len(self._digests)

    def admits(self, authorization: str) -> bool:
        """Whether a header's value has one of the tokens; takes as long for a near miss as for any other."""
        scheme, _, token = authorization.partition(" ")
        digest = sha256(token.strip().encode("utf-8", "surrogateescape")).digest()
        matches = [hmac.compare_digest(digest, d) for d in self._digests]
        return scheme.lower() == "bearer" and any(matches)


def parse_tokens(data: bytes, path: Path) -> Tokens:
    """The tokens of a file. No message repeats any of it (attack A71).

    Raises:
        UsageError: a line is no token, one is too short, or there is none.
    """
    lines = data.decode("latin-1").splitlines()
    tokens = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if not _TOKEN.fullmatch(text):
            raise BAD_CREDENTIALS.error("no bearer token (RFC 6750)", hint=_HINT, at=Location(str(path), number))
        if len(text) < MIN_TOKEN:
            message = f"a token of fewer than {MIN_TOKEN} characters"
            raise BAD_CREDENTIALS.error(message, hint="openssl rand -hex 32", at=Location(str(path), number))
        tokens.append(text)
    if not tokens:
        raise BAD_CREDENTIALS.error("holds no token, so nobody could be let in", hint=_HINT, at=Location(str(path)))
    return Tokens(tokens)
