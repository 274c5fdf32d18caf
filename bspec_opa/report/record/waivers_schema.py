"""Closed schemas of waivers: in an evaluation, listed, and just signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import (
    DIGEST,
    IDENTIFIER,
    PRINCIPAL,
    TEXT,
    TIME,
    array,
    boolean,
    enum,
    integer,
    obj,
    optional,
)
from bspec_opa.report.writing.schema_parts import LINE, LINES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.foundation.canonical import JsonObject

_NAMED = array(obj(path=LINE, msg=TEXT))
STANDING = obj(
    id=DIGEST,
    entry=integer(-1),  # -1: only in the inbox yet
    status=enum("in-force", "used", "orphaned", "expired", "void", "refused"),
    why=TEXT,
    rule=LINE,
    findings=_NAMED,
    lifts=_NAMED,
    reason=TEXT,
    principal=PRINCIPAL,
    requester=PRINCIPAL,
    signed_at=TIME,
    expires=TIME,
    ends_soon=boolean(),
    renews=optional(DIGEST),
    renewals=integer(),
)
WAIVING: Mapping[str, tuple[tuple[int, ...], dict[str, JsonObject]]] = {
    "bspec.waivers/v1": (
        (0,),
        {
            "agent": IDENTIFIER,
            "environments": array(obj(environment=IDENTIFIER, waivers=array(STANDING))),
            "rejected": array(obj(type=LINE, id=LINE, file=LINE, code=LINE, message=TEXT)),
            "notes": LINES,
        },
    ),
    "bspec.waiver/v1": (
        (0,),
        {
            "record": obj(
                type=enum("waiver"),
                id=DIGEST,
                agent=IDENTIFIER,
                environment=IDENTIFIER,
                principal=PRINCIPAL,
                role=IDENTIFIER,
            ),
            "file": LINE,
            "rule": LINE,
            "lifts": _NAMED,
            "stays": _NAMED,
            "expires": TIME,
            "next": LINES,
        },
    ),
}
