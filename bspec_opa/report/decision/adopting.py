"""How an adoption is told: its quorum, which no rule knows, in words and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import IDENTIFIER, integer, obj, optional

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.workflow.facts.evaluation import Evaluation

ADOPTION = optional(obj(role=IDENTIFIER, approved=integer(), count=integer(1)))
"""The member ``adoption`` of an evaluation: none for anything else."""
QUORUM = "adopt.quorum"


def quorum_rows(evaluation: Evaluation) -> list[tuple[str, str]]:
    """What is still to be signed in the adopters' role, beside what rules ask for."""
    found = evaluation.adopters
    if found is None or not found.lacking:
        return []
    return [(QUORUM, f"{found.role}: {found.approved} of {found.count} people approve the adoption")]


def adoption_json(evaluation: Evaluation) -> list[JsonObject]:
    """As the schema has it."""
    found = evaluation.adopters
    return [{"role": found.role, "approved": found.approved, "count": found.count}] if found else []
