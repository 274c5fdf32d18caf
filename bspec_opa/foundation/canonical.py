"""RFC 8785 (JSON Canonicalization Scheme) bytes: the form of everything that is hashed or signed.

Wraps the ``rfc8785`` package: floats are refused, integers stay below 10^15, and whatever the package leaks
(``UnicodeEncodeError``, ``RecursionError``) becomes one typed error.
"""

from __future__ import annotations

import rfc8785

from bspec_opa.foundation.limits import INTEGER_LIMIT, MAX_DEPTH
from bspec_opa.foundation.reasons import CANONICAL

_TYPES = "canonical JSON holds null, booleans, integers, strings, lists and string-keyed objects only"

JsonValue = None | bool | int | str | list["JsonValue"] | dict[str, "JsonValue"]
JsonObject = dict[str, JsonValue]


def canonical_bytes(value: JsonValue) -> bytes:
    """The RFC 8785 form of a value.

    Raises:
        InvalidInputError: the value holds a float, an integer of magnitude 10^15 or more, a lone surrogate,
            a type outside JSON, or nests deeper than the limit.
    """
    _check(value, 0)
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError) as e:
        raise CANONICAL.error(f"no canonical form: {e}") from e


def _check(value: object, depth: int) -> None:
    if depth > 2 * MAX_DEPTH:
        raise CANONICAL.error("nested too deeply for a canonical form")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise CANONICAL.error(_TYPES)
            _check(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, int) and not isinstance(value, bool):
        if not -INTEGER_LIMIT < value < INTEGER_LIMIT:
            raise CANONICAL.error("an integer is outside ±10^15")
    elif value is not None and not isinstance(value, bool | str):
        raise CANONICAL.error(_TYPES)
