"""What ``bundle serve`` prints when it starts, and its log's lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import TEXT, TIME, array, boolean, enum, obj
from bspec_opa.report.writing.schema_parts import LINE, LINES, OPTIONAL_DIGEST

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

_SERVING: dict[str, JsonObject] = {
    "url": LINE,
    "diagnostic_url": LINE,
    "client_certificates": boolean(),
    "tokens": boolean(),
    "signed_by": LINES,
    "bundles": array(obj(name=LINE, loaded=boolean(), revision=OPTIONAL_DIGEST, digest=OPTIONAL_DIGEST)),
    "notes": LINES,
}
_EVENT: dict[str, JsonObject] = {
    "time": TIME,
    "event": enum("switched", "refused", "unreadable", "ignored", "renewed", "not-renewed", "stopping", "failed"),
    "bundle": LINE,
    "file": LINE,
    "revision": OPTIONAL_DIGEST,
    "before": OPTIONAL_DIGEST,
    "code": LINE,
    "message": TEXT,
}
SERVING: dict[str, tuple[tuple[int, ...], dict[str, JsonObject]]] = {
    "bspec.bundle-serving/v1": ((0,), _SERVING),
    "bspec.bundle-serving-event/v1": ((0,), _EVENT),
}
