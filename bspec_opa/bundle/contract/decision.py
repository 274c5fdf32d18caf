"""The closed schema of what a rule answers inside a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.bundle.contract.definitions import METHODS, NEEDS, QUESTIONS, SEVERITIES, TEXT
from bspec_opa.foundation.closed_schema import array, enum, integer, obj

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

DECISION_CONTRACT = "bspec.decision/v1"
STATUSES = ("pass", "warn", "deny", "waived")


def _finding() -> JsonObject:
    needs: JsonObject = obj(
        {"role": TEXT, "question": enum(*QUESTIONS), "method": enum(*METHODS), "count": integer()},
        kind=enum(*NEEDS),
    )
    return obj({"needs": needs}, msg=TEXT, path=TEXT)


def answer_schema() -> JsonObject:
    """One rule's answer inside a decision."""
    findings = array(_finding())
    return obj(
        status=enum(*STATUSES),
        severity=enum(*SEVERITIES),
        deny=findings,
        pending=findings,
        warn=findings,
        waived=findings,
        waivers=array(TEXT),
    )
