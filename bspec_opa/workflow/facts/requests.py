"""Which records are about exactly what is promoted, and who asked for it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.times import parse_time
from bspec_opa.trust.authority import BINDING_SUBJECT, INTENT_SUBJECT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bspec_opa.approval.facts import Expected
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.trust.authority import Record


def is_promoted(record: Record, expected: Expected) -> bool:
    """Whether a record is about exactly this intent and binding."""
    digests = (record.statement.digest_of(INTENT_SUBJECT), record.statement.digest_of(BINDING_SUBJECT))
    return expected.binding_digest is not None and digests == (expected.intent_digest, expected.binding_digest)


def newest_request(requests: Sequence[Record], expected: Expected) -> Record | None:
    """The last sequenced request for exactly this: same subjects, environment, base, source and emergency."""
    fitting = [
        r
        for r in requests
        if is_promoted(r, expected)
        and r.environment == expected.environment
        and (r.predicate["base"], r.predicate["source"]) == (expected.base, expected.source)
        and r.predicate["emergency"] == expected.emergency
    ]
    return fitting[-1] if fitting else None


def requester(request: Record, now: int) -> JsonObject:
    """The request as the policies see it."""
    return {
        "id": request.id,
        "principal": request.principal,
        "group": request.group,
        "age_seconds": max(0, now - request.signed_unix),
        "expires_unix": parse_time(str(request.predicate["expires"])),
        "current": True,
    }
