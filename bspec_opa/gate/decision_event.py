"""A decision as an event of OPA's decision log, masked as OPA masks. Pure.

OPA 1.22, ``v1/plugins/logs/plugin.go`` (``EventV1``) and ``mask.go``: what already collects and reads a sidecar's
events reads ours, too.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue

REMOVE, UPSERT = "remove", "upsert"
ROOTS = ("input", "result")
_INDEX = re.compile(r"-?[0-9]{1,9}")


class _NoSuchPlaceError(Exception):
    """A mask points to what this event does not have: it is skipped, as OPA skips it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is reported of one decision.

    Attributes:
        id: of the decision; unique.
        labels: who reports.
        bundle: the name under which an OPA would have the bundle.
        revision: of the bundle.
        path: the rule that was asked for.
        input: what was asked.
        result: what the engine answered, unread.
        requested_by: the command.
        timestamp: RFC 3339.
        outcome: what the gate made of the answer.
    """

    id: str
    labels: Mapping[str, str]
    bundle: str
    revision: str
    path: str
    input: JsonObject
    result: JsonValue
    requested_by: str
    timestamp: str
    outcome: JsonObject


def decision_event(asked: Asked, masks: Sequence[JsonObject]) -> JsonObject:
    """The event, with nothing in it that the masks hide.

    Args:
        asked: the decision; it is not changed.
        masks: ``log_mask`` of the organisation's data, in order.
    """
    event: JsonObject = {
        "labels": dict(asked.labels),
        "decision_id": asked.id,
        "bundles": {asked.bundle: {"revision": asked.revision}},
        "path": asked.path,
        "input": copy.deepcopy(asked.input),
        "result": copy.deepcopy(asked.result),
        "requested_by": asked.requested_by,
        "timestamp": asked.timestamp,
        "custom": {"bspec": asked.outcome},
    }
    _mask(event, masks)
    return event


def _mask(event: JsonObject, masks: Sequence[JsonObject]) -> None:
    done: dict[str, list[JsonValue]] = {"erased": [], "masked": []}
    for mask in masks:
        path = str(mask["path"])
        root, *parts = path[1:].split("/")
        if root not in event:
            continue
        try:
            if mask["op"] == REMOVE:
                _remove(event, [root, *parts])
            else:
                _upsert(event, [root, *parts], mask["value"])
        except _NoSuchPlaceError:
            continue
        done["erased" if mask["op"] == REMOVE else "masked"].append(path)
    event.update({name: paths for name, paths in done.items() if paths})


def _remove(event: JsonObject, path: list[str]) -> None:
    holder = _walk(event, path[:-1])
    if isinstance(holder, list):
        del holder[_position(path[-1], holder)]
    elif isinstance(holder, dict) and path[-1] in holder:
        del holder[path[-1]]
    else:
        raise _NoSuchPlaceError


def _upsert(event: JsonObject, path: list[str], value: JsonValue) -> None:
    """Objects on the way are made where they are missing; lists are not made longer."""
    holder: Any = event
    for part in path[:-1]:
        holder = holder.setdefault(part, {}) if isinstance(holder, dict) else _child(holder, part)
    if isinstance(holder, dict):
        holder[path[-1]] = value
    else:
        items = _list(holder)
        items[_position(path[-1], items)] = value


def _walk(value: Any, path: list[str]) -> Any:
    for part in path:
        value = _child(value, part)
    return value


def _child(value: Any, part: str) -> Any:
    if isinstance(value, dict):
        if part not in value:
            raise _NoSuchPlaceError
        return value[part]
    items = _list(value)
    return items[_position(part, items)]


def _list(value: Any) -> list[JsonValue]:
    if not isinstance(value, list):
        raise _NoSuchPlaceError
    return cast("list[JsonValue]", value)


def _position(part: str, items: list[JsonValue]) -> int:
    """As Go's Atoi, which knows signs and leading zeros, within the list."""
    if not _INDEX.fullmatch(part) or not 0 <= int(part) < len(items):
        raise _NoSuchPlaceError
    return int(part)
