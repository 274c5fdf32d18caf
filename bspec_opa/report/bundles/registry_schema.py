"""The closed schemas of ``bspec.bundle-pushed/v1`` and ``bspec.bundle-pulled/v1``, but for what every document has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import DIGEST, integer
from bspec_opa.report.writing.schema_parts import LINE

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

_STORED: dict[str, JsonObject] = {
    "place": LINE,
    "tag": LINE,
    "manifest": DIGEST,
    "digest": DIGEST,
    "revision": LINE,
    "bytes": integer(1),
    "rules": integer(1),
}
REGISTRY: dict[str, tuple[tuple[int, ...], dict[str, JsonObject]]] = {
    "bspec.bundle-pushed/v1": ((0,), _STORED),
    "bspec.bundle-pulled/v1": ((0,), {"file": LINE, **_STORED}),
}
