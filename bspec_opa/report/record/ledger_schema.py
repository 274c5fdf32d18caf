"""Closed schemas of what the commands about the ledger as a whole print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import DIGEST, enum, integer, string
from bspec_opa.report.writing.schema_parts import LINE, LINES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.foundation.canonical import JsonObject

_HEAD: dict[str, JsonObject] = {
    "origin": LINE,
    "tree_size": integer(),
    "root_hash": DIGEST,
    "last_at": string(pattern="^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$"),  # "": no entry
}
_MOVED: dict[str, JsonObject] = {"source": LINE, "target": LINE, **_HEAD}
LEDGER: Mapping[str, tuple[tuple[int, ...], dict[str, JsonObject]]] = {
    "bspec.ledger-verification/v1": (
        (0,),
        {"place": LINE, "kind": enum("ledger", "export"), **_HEAD, "notes": LINES},
    ),
    "bspec.ledger-export/v1": ((0,), {**_MOVED, "new_files": integer()}),
    "bspec.ledger-import/v1": ((0,), {**_MOVED, "new_entries": integer(), "cosigned": LINES}),
}
