"""Policy inputs that lie in files and among the objects of a ledger."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.bundle.contract.definitions import INPUT_CONTRACT, input_schema
from bspec_opa.foundation.closed_checker import checker
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import Location
from bspec_opa.foundation.limits import MAX_IMPORT_BYTES
from bspec_opa.gate.request import REPLAY_NONCE
from bspec_opa.workflow.recorded.reasons import BAD_INPUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.closed_schema import Violation

_FAMILY = INPUT_CONTRACT.partition("/")[0] + "/"
_HINT = "write it with bspec-opa normalize INTENT --env ENV"


def looks_like_input(data: bytes) -> bool:
    """Whether a file claims to be a policy input, of whatever version; everything else is taken for an intent."""
    if data.lstrip()[:1] != b"{" or b'"contract"' not in data:
        return False
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and str(value.get("contract")).startswith(_FAMILY)


def read_input(data: bytes, name: str) -> JsonObject:
    """A policy input as ``normalize`` prints it, or as it is kept among the objects: without a nonce.

    Args:
        data: the file's bytes.
        name: what messages call it.

    Raises:
        InvalidInputError: it is no JSON, of another contract, or not exactly of the closed schema.
    """
    value = parse_json(data, name, text=False, limit=MAX_IMPORT_BYTES)
    if not isinstance(value, dict) or value.get("contract") != INPUT_CONTRACT:
        said = value.get("contract") if isinstance(value, dict) else None
        other = f"its contract is {str(said)[:60]!r}" if said is not None else "it names no contract"
        raise BAD_INPUT.error(f"is no {INPUT_CONTRACT}: {other}", hint=_HINT, at=Location(name))
    request = {**value, "nonce": value.get("nonce", REPLAY_NONCE)}
    wrong = _checker()(request)
    if wrong:
        message = f"{wrong[0].pointer or '/'} {wrong[0].message}"
        raise BAD_INPUT.error(message, hint=_HINT, at=Location(name))
    return request


@lru_cache(maxsize=1)
def _checker() -> Callable[[JsonValue], list[Violation]]:
    return checker(input_schema())


def agent_of(request: JsonObject) -> tuple[str, str]:
    """Whose input it is: the intent's id and version."""
    metadata = cast("dict[str, Any]", request["intent"])["metadata"]
    return str(metadata["id"]), str(metadata["version"])
