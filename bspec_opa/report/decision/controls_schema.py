"""The closed schema of ``bspec.controls/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.bundle.contract.organisation import PROOFS
from bspec_opa.foundation.closed_schema import DIGEST, IDENTIFIER, PRINCIPAL, array, boolean, enum, integer, obj
from bspec_opa.report.writing.schema_parts import BUNDLE, LINE, LINES, OPTIONAL_DIGEST
from bspec_opa.workflow.facts.controls import NOT_RUN, STATES

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

PROOF = obj(
    intent=DIGEST,
    binding=OPTIONAL_DIGEST,
    approvals=array(obj(id=DIGEST, principal=PRINCIPAL, role=IDENTIFIER)),
    evaluations=array(DIGEST),
    waivers=array(DIGEST),
)
"""The records behind a decision."""
_CONTROL = obj(
    framework=LINE,
    id=LINE,
    title=LINE,
    state=enum(*STATES),
    rules=array(obj(id=LINE, status=enum("pass", "waived", "warn", "pending", "deny", NOT_RUN))),
    lacking=LINES,
    evidence=array(enum(*PROOFS)),
)
CONTROLS: dict[str, JsonObject] = {
    "framework": LINE,
    "decisions": array(
        obj(
            subject=LINE,
            agent=IDENTIFIER,
            environment=IDENTIFIER,
            verdict=enum("allowed", "denied", "pending"),
            at=LINE,
            entry=integer(-1),
            line=OPTIONAL_DIGEST,
            verified=boolean(),
            advisory=boolean(),
            bundle=BUNDLE,
            proof=PROOF,
            controls=array(_CONTROL, minimum=1),
        ),
        minimum=1,
    ),
    "notes": LINES,
}
