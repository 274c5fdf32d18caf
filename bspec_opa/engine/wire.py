"""JSON as it goes to an engine and comes back: nothing but our own writing out, strict parsing in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bspec_opa.engine.reasons import BAD_REPLY, UNDEFINED, UNSENDABLE
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.limits import INTEGER_LIMIT, MAX_DEPTH, MAX_REPLY_BYTES

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonValue

_encode = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")
).encode

MAX_REQUEST_DEPTH = 2 * MAX_DEPTH
"""Deeper than any document that people write, far below what exhausts an engine's stack."""


def wire_json(value: JsonValue, what: str = "the request") -> bytes:
    r"""A value as JSON in UTF-8, with sorted keys and no escapes but the necessary ones.

    Not as ASCII: OPA's WebAssembly (1.22.2) reads half of the escaped surrogate pairs as another character, U+20000 as
    U+10000, so that different strings become equal. It reads every character right that isn't escaped.

    Raises:
        EngineError: it holds a float, an integer of magnitude 10^15 or more, a lone surrogate, a type or key
            outside JSON, or nests too deeply.
    """
    _check(value, what, MAX_REQUEST_DEPTH)
    try:
        return _encode(value).encode()
    except UnicodeEncodeError as e:
        raise UNSENDABLE.error(f"{what} holds a lone surrogate") from e


def _check(value: object, what: str, depth: int) -> None:
    if isinstance(value, (dict, list)):
        _check_parts(value, what, depth)
    elif isinstance(value, int):
        if not -INTEGER_LIMIT < value < INTEGER_LIMIT:
            raise UNSENDABLE.error(f"{what} holds an integer outside ±10^15")
    elif value is not None and not isinstance(value, str):
        raise UNSENDABLE.error(f"{what} holds a {type(value).__name__}, which JSON without floats has not")


def _check_parts(whole: dict[object, object] | list[object], what: str, depth: int) -> None:
    if depth == 0:
        raise UNSENDABLE.error(f"{what} is nested more than {MAX_REQUEST_DEPTH} levels deep")
    if isinstance(whole, dict) and not all(isinstance(key, str) for key in whole):
        raise UNSENDABLE.error(f"{what} has a member whose name is no string")
    for part in whole.values() if isinstance(whole, dict) else whole:
        if type(part) is not str:  # most parts are strings: spare the call
            _check(part, what, depth - 1)


def parse_reply(data: bytes, who: str) -> JsonValue:
    """What an engine sent, parsed strictly.

    The bytes stay out of the error and its causes: a hostile server might echo a credential (attack A71).

    Raises:
        EngineError: no strict JSON.
    """
    try:
        return parse_json(data, who, text=False, limit=MAX_REPLY_BYTES)
    except BspecError as e:
        raise BAD_REPLY.error(f"{who} answered with no strict JSON ({e.code})") from None


def require_defined(value: JsonValue, who: str) -> JsonValue:
    """The value, unless it is the engines' way to say nothing.

    Raises:
        EngineError: null or an empty object (attack A21).
    """
    if value is None or value == {}:
        raise UNDEFINED.error(
            f"{who} decided nothing: the decision is undefined",
            hint="check that bundle and data are loaded and that the environment is known to them",
        )
    return value


def printable(text: str) -> str:
    """The beginning of a foreign text's first line, fit for a message."""
    line = text.strip().split("\n", 1)[0][:200]
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in line)
