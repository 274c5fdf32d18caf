"""Facts to OPA input: one closed, canonical document, the same for every engine. Pure.

A part that isn't there yet is an empty list, so that ``evaluate`` is useful before anything is signed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from bspec_opa.bundle.contract.definitions import INPUT_CONTRACT, input_schema
from bspec_opa.foundation.closed_checker import checker
from bspec_opa.foundation.digest import Digest, digest_json
from bspec_opa.foundation.times import format_time
from bspec_opa.gate.reasons import INPUT_SHAPE

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.closed_schema import Violation

NO_ENVIRONMENT = "none"
GENESIS = "genesis"
NONCE_BYTES = 32
"""Of the random number that an answer must repeat, so that it can't be the answer to another question."""
REPLAY_NONCE = "00" * NONCE_BYTES
"""What ``normalize`` writes; a gate run never uses it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was verified, ready to be put before the policies.

    The members are those of ``bspec.input/v1`` (``bundle/contract/definitions.py`` says what each means); lists of
    none or one stand for optional parts.
    """

    action: str
    environment: str
    now: int
    intent: JsonObject
    surface_digest: Digest
    change: JsonObject
    binding: list[JsonValue] = field(default_factory=list)
    declared: list[JsonValue] = field(default_factory=list)
    previous: list[JsonValue] = field(default_factory=list)
    previous_risk: list[JsonValue] = field(default_factory=list)
    submits: list[JsonValue] = field(default_factory=list)
    authors: list[JsonValue] = field(default_factory=list)
    approvals: list[JsonValue] = field(default_factory=list)
    evidence: list[JsonValue] = field(default_factory=list)
    waivers: list[JsonValue] = field(default_factory=list)
    predecessor_expected: bool = False
    predecessor: list[JsonValue] = field(default_factory=list)
    requester: list[JsonValue] = field(default_factory=list)
    withdrawn: list[JsonValue] = field(default_factory=list)
    delegates: list[JsonValue] = field(default_factory=list)
    rejected: list[JsonValue] = field(default_factory=list)
    rollback: list[JsonValue] = field(default_factory=list)
    unreviewed: list[JsonValue] = field(default_factory=list)


def build_request(facts: Facts, nonce: str) -> JsonObject:
    """The OPA input.

    Raises:
        BspecError: the facts do not fit the closed schema; a bug, so exit 1, and no engine is asked.
    """
    request: JsonObject = {
        "contract": INPUT_CONTRACT,
        "action": facts.action,
        "environment": facts.environment,
        "now": format_time(facts.now),
        "now_unix": facts.now,
        "nonce": nonce,
        "intent": facts.intent,
        "surface": {"digest": facts.surface_digest},
        "binding": facts.binding,
        "change": facts.change,
        "requirements": {
            "declared": facts.declared,
            "previous": facts.previous,
            "previous_risk": facts.previous_risk,
        },
        "submits": facts.submits,
        "authors": facts.authors,
        "approvals": facts.approvals,
        "evidence": facts.evidence,
        "waivers": facts.waivers,
        "predecessor_expected": facts.predecessor_expected,
        "predecessor": facts.predecessor,
        "requester": facts.requester,
        "withdrawn": facts.withdrawn,
        "delegates": facts.delegates,
        "rejected": facts.rejected,
        "rollback": facts.rollback,
        "unreviewed": facts.unreviewed,
    }
    check_request(request)
    return request


def check_request(request: JsonObject) -> None:
    """Refuse an input that is not exactly of the closed schema: a total builtin on a wrong type is undefined.

    Raises:
        BspecError: exit 1.
    """
    wrong = _checker()(request)
    if wrong:
        raise INPUT_SHAPE.error(f"OPA input: {wrong[0].pointer or '/'} {wrong[0].message}")


@lru_cache(maxsize=1)
def _checker() -> Callable[[JsonValue], list[Violation]]:
    return checker(input_schema())


def input_digest(request: JsonObject) -> Digest:
    """The digest of an input without its nonce: what the lock records and a replay compares."""
    return digest_json(without_nonce(request))


def without_nonce(request: JsonObject) -> JsonObject:
    """The part of an input that a replay must reproduce."""
    return {name: value for name, value in request.items() if name != "nonce"}
