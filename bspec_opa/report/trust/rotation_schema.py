"""Closed schemas of what the commands about versions of the trust root print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import (
    DIGEST,
    HEX64,
    IDENTIFIER,
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
from bspec_opa.trust.difference import CHANGES
from bspec_opa.trust.revocation import KINDS, MODES, TREE_HEAD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.foundation.canonical import JsonObject

_HOLDERS = array(obj(owner=LINE, keys=array(HEX64, minimum=1)))
_QUORUMS = array(
    obj(version=integer(1), threshold=integer(1), missing=integer(), signed=_HOLDERS, able=_HOLDERS),
    minimum=1,
    maximum=2,
)
_DIFFERENCES = array(obj(change=enum(*CHANGES), what=TEXT))
_VERSION: dict[str, JsonObject] = {
    "version": integer(1),
    "digest": DIGEST,
    "issued": TIME,
    "expires": TIME,
    "file": LINE,
    "quorums": _QUORUMS,
    "differences": _DIFFERENCES,
}

ROTATION: Mapping[str, tuple[tuple[int, ...], dict[str, JsonObject]]] = {
    "bspec.trust-draft/v1": (
        (0,),
        {
            "domain": IDENTIFIER,
            "pin": DIGEST,
            **_VERSION,
            "complete": boolean(),
            "signed_now": LINES,
            "notes": LINES,
            "next": LINES,
        },
    ),
    "bspec.trust-chain/v1": (
        (0,),
        {
            "domain": IDENTIFIER,
            "version": integer(1),
            "digest": DIGEST,
            "pin": DIGEST,
            "expires": TIME,
            "versions": array(obj(**_VERSION), minimum=1),
            "revoked": array(
                obj(kind=enum(*KINDS), id=LINE, reason=LINE, mode=enum("", *MODES), last_good=optional(TREE_HEAD))
            ),
            "notes": LINES,
        },
    ),
    "bspec.ledger-restart/v1": ((0,), {"origin": LINE, "tree_size": integer(), "root_hash": DIGEST, "aside": LINE}),
}
"""Name of a document to its exit codes and members."""
