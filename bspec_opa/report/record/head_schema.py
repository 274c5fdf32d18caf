"""What ``ledger head`` prints, and what other documents say of head statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import (
    DIGEST,
    HEX64,
    IDENTIFIER,
    TIME,
    array,
    boolean,
    enum,
    integer,
    obj,
    string,
)
from bspec_opa.report.writing.schema_parts import LINE, LINES

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

_OPTIONAL_TIME = string(maximum=20)
_HEAD: dict[str, JsonObject] = {
    "file": LINE,
    "written": boolean(),
    "domain": IDENTIFIER,
    "origin": LINE,
    "tree_size": integer(),
    "root_hash": DIGEST,
    "trust_root": obj(version=integer(1), digest=DIGEST),
    "heads": array(obj(agent=IDENTIFIER, environment=IDENTIFIER, line=DIGEST, state=LINE)),
    "issued": TIME,
    "expires": TIME,
    "ledger_tree_size": integer(),
    "notes": LINES,
}
HEADS: dict[str, tuple[tuple[int, ...], dict[str, JsonObject]]] = {"bspec.ledger-head/v1": ((0,), _HEAD)}
SHOWN = obj(
    by=enum("head", "witnesses", "nothing"), tree_size=integer(-1), issued=_OPTIONAL_TIME, expires=_OPTIONAL_TIME
)
"""What shows that a ledger is no old one; without a head statement its size is -1 and its times are empty."""
DEMAND = obj(
    environments=LINES,
    max_lifetime_s=integer(),
    skew_s=integer(),
    keys=array(obj(keyid=HEX64, revoked=boolean())),
)
"""Where a trust root demands a head statement; no environment, where it doesn't."""
