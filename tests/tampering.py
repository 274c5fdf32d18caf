"""Changes to signed records, in their one canonical form: each spoils exactly one thing."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from world import key_of

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, sign_envelope

if TYPE_CHECKING:
    from collections.abc import Callable


def envelope(change: Callable[[Any], object]) -> Callable[[bytes], bytes]:
    """The same record with its envelope changed, still in its one canonical form."""

    def changed(data: bytes) -> bytes:
        value = json.loads(data)
        change(value)
        return canonical_bytes(value) + b"\n"

    return changed


def payload(change: Callable[[Any], object], by: str = "") -> Callable[[bytes], bytes]:
    """The same record with its statement changed; signed again only if somebody is named."""

    def changed(data: bytes) -> bytes:
        value = json.loads(data)
        statement = json.loads(base64.b64decode(value["payload"]))
        change(statement)
        body = canonical_bytes(statement)
        if by:
            return sign_envelope(body, IN_TOTO_PAYLOAD_TYPE, [key_of(by)]).to_bytes()
        value["payload"] = base64.b64encode(body).decode()
        return canonical_bytes(value) + b"\n"

    return changed


def set_in(*path: str | int, to: object) -> Callable[[Any], object]:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to

    return change


def flip(text: str) -> str:
    """Base64 of the same bytes with one bit changed."""
    data = bytearray(base64.b64decode(text))
    data[len(data) // 2] ^= 1
    return base64.b64encode(bytes(data)).decode()
