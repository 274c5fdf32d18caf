"""The closed schema of ``bspec.explanation/v1``, but for what every document has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.bundle.contract.definitions import NEEDS
from bspec_opa.foundation.closed_schema import DIGEST, TEXT, array, boolean, enum, integer, obj
from bspec_opa.report.writing.schema_parts import BUNDLE, LINE, LINES, SEVERITY

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

_SOURCE = array(
    obj(
        file=LINE,
        start=integer(1),
        lines=array(TEXT, minimum=1),
    )
)
_FINDING = obj(
    status=enum("denied", "pending", "warned", "waived"),
    message=TEXT,
    path=LINE,
    # Where the intent's source is there; otherwise "" and 0, and value is what the input has at the path.
    file=LINE,
    line=integer(),
    column=integer(),
    value=TEXT,
    source=_SOURCE,
    # Told by an OPA only: which lines held, and what they saw, as canonical JSON that may be cut.
    evaluated=array(integer(1)),
    saw=array(obj(line=integer(1), expression=TEXT, value=TEXT)),
)
_STEP = obj(
    kind=enum(*NEEDS),
    role=LINE,
    question=LINE,
    method=LINE,
    count=integer(),
    probes=array(obj(scope_out_id=LINE, count=integer(1))),
    says=LINE,
    command=LINE,
)
EXPLANATION: dict[str, JsonObject] = {
    "decision": LINE,
    "origin": enum("now", "recorded", "input"),
    "entry": integer(-1),
    "verdict": enum("allowed", "denied", "pending"),
    "agent": LINE,
    "version": LINE,
    "environment": LINE,
    "intent": LINE,
    "input_digest": DIGEST,
    "bundle": BUNDLE,
    "opa": obj(version=LINE, note=LINE),
    "contact": LINE,
    "rules": array(
        obj(
            id=LINE,
            code=LINE,
            title=LINE,
            description=LINE,
            status=enum("pass", "warn", "deny", "waived"),
            severity=SEVERITY,
            remediation=LINE,
            controls=LINES,
            docs=LINE,
            owner=LINE,
            waivable=boolean(),
            waivers=LINES,
            effective=LINE,
            source=_SOURCE,
            reads=array(obj(reference=LINE, value=TEXT)),
            findings=array(_FINDING),
        )
    ),
    "to_allow": obj(
        possible=boolean(),
        proven=boolean(),
        why=LINE,
        blocked_by=LINES,
        decisions=integer(),
        # Commands that come before any step: how there comes to be a trust root, and a pin.
        first=LINES,
        steps=array(_STEP),
    ),
    "notes": LINES,
}
