"""Closed schemas of what the commands about signed bundles print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import DIGEST, HEX64, array, boolean, enum, integer, obj, string
from bspec_opa.report.writing.schema_parts import LINE, LINES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.foundation.canonical import JsonObject

_MOMENT = string(pattern="^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$")
_ALGORITHM = enum("ES256", "RS256")
_SAID: dict[str, JsonObject] = {
    "key_id": LINE,
    "algorithm": _ALGORITHM,
    "scope": LINE,
    "sequence": integer(),  # 0: it says none
    "issued": _MOMENT,
}
SIGNATURE = array(obj(**_SAID, verified=boolean()), maximum=1)
"""What a bundle's signature says of itself; ``verified`` says whether anybody looked whose it is."""

PUBLISHERS = array(
    obj(
        environment=LINE,
        name=LINE,
        key_id=LINE,
        algorithm=_ALGORITHM,
        fingerprint=HEX64,
        scope=LINE,
        minimum_sequence=integer(1),
        max_age_s=integer(),  # 0: no limit
        revoked=boolean(),
    )
)
"""The publishers of a trust root, one for each environment and key."""

_SIDE = obj(name=LINE, revision=LINE, digest=DIGEST, opa_version=LINE, sequence=integer())
_CHANGE = enum("added", "removed", "changed")
_PLACES = array(obj(change=_CHANGE, name=LINE))

SIGNING: Mapping[str, tuple[tuple[int, ...], dict[str, JsonObject]]] = {
    "bspec.bundle-signed/v1": (
        (0,),
        {"file": LINE, "name": LINE, "revision": LINE, "digest": DIGEST, "rules": integer(1), "signature": SIGNATURE},
    ),
    "bspec.bundle-verified/v1": (
        (0,),
        {
            "file": LINE,
            "kind": enum("bspec", "opa"),
            "revision": LINE,
            "digest": DIGEST,
            "key": LINE,
            "fingerprint": HEX64,
            **_SAID,
            "age_s": integer(-1),  # -1: it does not say when it was signed
            "files": integer(1),
            "rebuilt": LINES,
        },
    ),
    "bspec.bundle-diff/v1": (
        (0,),
        {
            "older": _SIDE,
            "newer": _SIDE,
            "same": boolean(),
            "rules": array(obj(change=_CHANGE, id=LINE, code=boolean(), metadata=LINES)),
            "libraries": _PLACES,
            "data": _PLACES,
        },
    ),
}
"""Name of a document to its exit codes and members."""
