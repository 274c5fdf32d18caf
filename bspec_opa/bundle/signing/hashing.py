"""OPA's hashes of a bundle's files: over the bytes, and over the values of JSON documents.

As ``v1/bundle/hash.go`` of OPA 1.22.2: of ``data.json`` and ``.manifest`` the value counts, with sorted keys and
without spaces, numbers as they are written and strings as Go's encoder writes them. So layout may differ and nothing
else. OPA keeps the last of two members with one name; here they are refused (attack A33).
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from bspec_opa.bundle.signing.reasons import SIGNED_FILES
from bspec_opa.foundation.limits import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

ALGORITHM = "SHA-256"
STRUCTURED = frozenset(("data.json", ".manifest"))
YAML_DATA = frozenset(("data.yaml", "data.yml"))
_BOM = b"\xef\xbb\xbf"
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile('["\\\\\x00-\x1f\u2028\u2029]')


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


def file_hash(name: str, data: bytes) -> str:
    """The SHA-256 that OPA demands of a file, in hexadecimal.

    Raises:
        TrustError: a structured document that isn't JSON, or whose value parsers would not agree on.
    """
    base = name.rpartition("/")[2]
    if base in YAML_DATA:
        message = f"{name}: the hash of YAML depends on who parses it"
        raise SIGNED_FILES.error(message, hint="opa build writes data.json instead")
    if base not in STRUCTURED:
        return hashlib.sha256(data).hexdigest()
    try:
        parts = "".join(_parts(_parsed(data.removeprefix(_BOM)), 0)).encode()
    except (ValueError, RecursionError) as e:
        raise SIGNED_FILES.error(f"{name} can't be hashed: no JSON that every parser reads alike") from e
    return hashlib.sha256(parts).hexdigest()


def _parsed(data: bytes) -> Any:
    return json.loads(
        data.decode(),
        object_pairs_hook=_unique,
        parse_int=_Number,
        parse_float=_Number,
        parse_constant=_refused,
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is there twice")
    return found


def _refused(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _parts(value: Any, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        # Sorted by bytes of UTF-8, which is the order of code points.
        for n, key in enumerate(sorted(value)):
            yield ("," if n else "{") + _text(key) + ":"
            yield from _parts(value[key], depth + 1)
        yield "}" if value else "{}"
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield "," if n else "["
            yield from _parts(item, depth + 1)
        yield "]" if value else "[]"
    elif isinstance(value, _Number):
        yield value
    else:
        yield _text(value) if isinstance(value, str) else json.dumps(value)


def _text(value: str) -> str:
    """A string as Go's JSON encoder writes it without HTML escaping; a lone surrogate fails when it is encoded."""
    return '"' + _ESCAPED.sub(_escape, value) + '"'


def _escape(match: re.Match[str]) -> str:
    return _SHORT.get(match[0]) or f"\\u{ord(match[0]):04x}"
