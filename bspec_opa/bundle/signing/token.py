"""The one token in ``.signatures.json``: read strictly before anything in it is believed, and made the way OPA does.

OPA's ``.signatures.json`` is ``{"signatures": [JWT]}``; the token's payload lists every file with its hash. Beside
OPA's claims ours has ``bspec_sequence``, so that of two bundles it is decidable which one is older, and the registered
``iat``. OPA ignores both.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.layout import SIGNATURES
from bspec_opa.bundle.signing.hashing import ALGORITHM, file_hash
from bspec_opa.bundle.signing.reasons import SIGNATURE_FORM
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.limits import INTEGER_LIMIT
from bspec_opa.trust.publisher import PUBLISHER_ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.bundle.signing.keys import SigningKey
    from bspec_opa.foundation.canonical import JsonObject, JsonValue

SEQUENCE = "bspec_sequence"
OPAS_OWN = "_default"
"""What ``opa build`` calls its own way of signing; OPA reserves the name."""
_HEADER = frozenset(("alg", "kid", "typ"))
_FILE = frozenset(("name", "hash", "algorithm"))
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_YEAR_10000 = 253_402_300_800
_PART = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a token says; nothing of it is believed before :func:`~bspec_opa.bundle.signing.verify.verified`.

    Attributes:
        token: the JWT itself.
        algorithm: ES256 or RS256, as its header says.
        key_id: which key; ``""`` where it names none.
        scope: what it was signed for.
        sequence: its place among the publisher's bundles; None where it names none.
        issued_unix: when it says that it was signed; None where it doesn't.
        not_before_unix: from when it holds, inclusive; the registered claim ``nbf``, which OPA ignores.
        expires_unix: until when it holds, exclusive; the registered claim ``exp``, which OPA ignores.
        files: name to SHA-256 in hexadecimal.
    """

    token: str
    algorithm: str
    key_id: str
    scope: str
    sequence: int | None
    issued_unix: int | None
    not_before_unix: int | None
    expires_unix: int | None
    files: Mapping[str, str]


def read_signature(data: bytes) -> Signature:
    """The token of a ``.signatures.json``, its form checked.

    Raises:
        TrustError: plugins, none or two tokens, another algorithm, unknown or critical headers, other hashes than
            SHA-256, a name twice (attacks A29, A30).
    """
    value = _json(data, SIGNATURES)
    # A tuple: whatever a file says here need not be hashable.
    if isinstance(value, dict) and value.pop("plugin", OPAS_OWN) not in ("", OPAS_OWN):
        raise _wrong("names a plugin that would verify it; signatures are verified here or not at all")
    if not isinstance(value, dict) or value.keys() != {"signatures"}:
        raise _wrong("is not OPA's: it must have signatures and nothing else")
    tokens = value["signatures"]
    if not isinstance(tokens, list) or len(tokens) != 1 or not isinstance(tokens[0], str):
        count = len(tokens) if isinstance(tokens, list) else 0
        raise _wrong(f"has {count} tokens; exactly one is taken")
    return _token(tokens[0])


def _token(token: str) -> Signature:
    parts = token.split(".")
    if len(parts) != 3 or not all(map(_PART.match, parts[:2])):  # noqa: PLR2004 - header, payload, signature
        raise _wrong("holds no signed token: it must have three parts")
    header, payload = _object(parts[0], "header"), _object(parts[1], "payload")
    algorithm = str(header.get("alg"))
    if algorithm not in PUBLISHER_ALGORITHMS:
        raise _wrong(f"is signed with {algorithm[:20]!r}; ES256 and RS256 are taken")
    if unknown := sorted(header.keys() - _HEADER):
        raise _wrong(f"has a header that nobody here understands: {unknown[0][:40]!r}")
    if header.get("typ", "JWT") != "JWT" or not _PART.match(parts[2]):
        raise _wrong("is no JSON Web Token")
    return Signature(
        token=token,
        algorithm=algorithm,
        key_id=_key_id(header, payload),
        scope=_said(payload, "scope"),
        sequence=_number(payload, SEQUENCE, 1, INTEGER_LIMIT),
        issued_unix=_number(payload, "iat", 0, _YEAR_10000),
        not_before_unix=_number(payload, "nbf", 0, _YEAR_10000),
        expires_unix=_number(payload, "exp", 0, _YEAR_10000),
        files=_files(payload.get("files")),
    )


def _key_id(header: JsonObject, payload: JsonObject) -> str:
    """The header's, else the payload's; OPA looks in this order. Two different ones are refused."""
    kid, keyid = _said(header, "kid"), _said(payload, "keyid")
    if kid and keyid and kid != keyid:
        raise _wrong("names two keys")
    return kid or keyid


def _said(value: JsonObject, member: str) -> str:
    found = value.get(member, "")
    if not isinstance(found, str):
        raise _wrong(f"has a {member} that is no text")
    return found


def _number(value: JsonObject, member: str, least: int, limit: int) -> int | None:
    found = value.get(member)
    if found is None and member not in value:
        return None
    if isinstance(found, bool) or not isinstance(found, int) or not least <= found < limit:
        raise _wrong(f"has a {member} that is no whole number from {least} on")
    return found


def _files(value: JsonValue) -> dict[str, str]:
    if not isinstance(value, list) or not value:
        raise _wrong("lists no files")
    found: dict[str, str] = {}
    for item in value:
        if not isinstance(item, dict) or item.keys() != _FILE or not all(isinstance(v, str) for v in item.values()):
            raise _wrong("lists a file in another form than name, hash, algorithm")
        name, digest, algorithm = (str(item[m]) for m in ("name", "hash", "algorithm"))
        if algorithm != ALGORITHM:
            raise _wrong(f"hashes a file with {algorithm[:20]!r}; only {ALGORITHM} is taken")
        if not _HASH.match(digest):
            raise _wrong("has a hash that is no SHA-256")
        if name in found:
            raise _wrong(f"lists {name[:80]!r} twice")
        found[name] = digest
    return found


def _object(part: str, what: str) -> JsonObject:
    try:
        decoded = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _wrong(f"has a {what} that is no base64url") from None
    value = _json(decoded, f"the token's {what}")
    if not isinstance(value, dict):
        raise _wrong(f"has a {what} that is no object")
    return value


def _json(data: bytes, name: str) -> JsonValue:
    try:
        return parse_json(data, name, text=False)
    except BspecError as e:
        raise _wrong(f"can't be read: {e.problems[0].message}") from e


def _wrong(message: str) -> BspecError:
    return SIGNATURE_FORM.error(f"{SIGNATURES} {message}")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a new signature says beside the files."""

    sequence: int
    issued_unix: int
    scope: str = ""


def make_signatures(files: Mapping[str, bytes], key: SigningKey, claims: Claims) -> bytes:
    """A ``.signatures.json`` over the files of a bundle; a signature among them is left out.

    The key's id stands in the header and in the payload, where older OPAs look for it.
    """
    import jwt

    listed: list[JsonValue] = [
        {"name": n, "hash": file_hash(n, d), "algorithm": ALGORITHM} for n, d in files.items() if n != SIGNATURES
    ]
    payload: JsonObject = {
        "files": listed,
        "keyid": key.public.id,
        "iat": claims.issued_unix,
        SEQUENCE: claims.sequence,
        **({"scope": claims.scope} if claims.scope else {}),
    }
    headers = {"kid": key.public.id}
    token = jwt.PyJWS().encode(canonical_bytes(payload), key.native, key.public.algorithm, headers=headers)
    return canonical_bytes(cast("JsonObject", {"signatures": [token]}))
