"""What ends something that counted: the revocation of a record or a lock line, and the retirement of an agent.

Both restrict only, both take effect from their place in the ledger, and neither can be taken back by a record.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import IDENTIFIER, enum, string
from bspec_opa.foundation.digest import Digest, digest_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.foundation.canonical import JsonObject

REVOCATION, RETIREMENT = "revocation", "retirement"
REVOCABLE = ("submit", "evidence", "approval", "waiver", "request", "promotion", "rollback")
"""What a revocation may name: a denial allows nothing, and what restricts stays."""
RETIRED_MODE, COMPROMISED_MODE = WITHDRAWAL_MODES = ("retired", "compromised")
RECORD_SUBJECT, AGENT_SUBJECT = "record", "agent"

_REASON = string(minimum=1, maximum=4096)

WITHDRAWALS: Mapping[str, dict[str, JsonObject]] = MappingProxyType(
    {
        REVOCATION: {
            "environment": string(pattern="^(?:[a-z0-9][a-z0-9._-]*)?$", maximum=200),
            "type": enum(*REVOCABLE),
            "mode": enum(*WITHDRAWAL_MODES),
            "reason": _REASON,
        },
        RETIREMENT: {"environment": IDENTIFIER, "reason": _REASON},
    }
)
"""Record to the members of its predicate beyond the common ones. A submit has no environment: its revocation has ""."""


def scope_digest(predicate: JsonObject) -> Digest:
    """What a retirement is about: one agent in one environment of one domain."""
    return digest_json({member: predicate[member] for member in ("domain", "agent", "environment")})
