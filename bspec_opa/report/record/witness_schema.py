"""What ``ledger witness`` and ``ledger cosign`` print, a witness's log, and what ``trust show`` says of witnesses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import DIGEST, HEX64, TEXT, TIME, array, boolean, enum, integer, obj
from bspec_opa.report.writing.schema_parts import LINE, LINES

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

_WITNESS: dict[str, JsonObject] = {
    "name": LINE,
    "keyid": HEX64,
    "vkey": LINE,
    "url": LINE,
    "client_certificates": boolean(),
    "tokens": boolean(),
    "logs": array(obj(origin=LINE, tree_size=integer())),
    "notes": LINES,
}
_EVENT: dict[str, JsonObject] = {
    "time": TIME,
    "event": enum("cosigned", "misbehaved", "unproven", "renewed", "not-renewed", "stopping", "failed"),
    "origin": LINE,
    "tree_size": integer(),
    "file": LINE,
    "code": LINE,
    "message": TEXT,
}
_COSIGNED: dict[str, JsonObject] = {
    "origin": LINE,
    "tree_size": integer(),
    "root_hash": DIGEST,
    "threshold": integer(1),
    "cosignatures": array(obj(witness=LINE, at=TIME), minimum=1),
    "asked": array(obj(url=LINE, witnesses=LINES, code=LINE, message=TEXT), minimum=1),
}
WITNESSING: dict[str, tuple[tuple[int, ...], dict[str, JsonObject]]] = {
    "bspec.witness/v1": ((0,), _WITNESS),
    "bspec.witness-event/v1": ((0,), _EVENT),
    "bspec.cosigned/v1": ((0,), _COSIGNED),
}
KNOWN_WITNESSES = obj(
    threshold=integer(),
    max_age_s=integer(),
    skew_s=integer(),
    members=array(obj(name=LINE, vkey=LINE, revoked=boolean())),
)
"""A trust root's witnesses; the threshold is 0 where it demands none."""
