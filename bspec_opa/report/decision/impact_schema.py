"""The closed schema of ``bspec.impact/v1``, but for what every document has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import TEXT, array, boolean, enum, integer, obj
from bspec_opa.report.writing.schema_parts import BUNDLE, LINE, LINES, PROBLEM, SEVERITY
from bspec_opa.workflow.impact.compared import CHANGED, FIRING, PENDING, SILENT, STATES, VERDICTS, WAIVED, WARNED

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

_VERDICT, _STATE, _KIND = enum(*VERDICTS), enum(*STATES), enum(FIRING, SILENT, CHANGED)
_SIDE = obj(verdict=_VERDICT, floor=LINES)
_SAID = array(obj(level=enum("denied", PENDING, WARNED, WAIVED), message=TEXT, path=LINE))
IMPACT: dict[str, JsonObject] = {
    "against": BUNDLE,
    "candidate": BUNDLE,
    "rules": obj(added=LINES, removed=LINES, changed=LINES, data_changed=boolean()),
    "counts": obj(
        compared=integer(),
        changed=integer(),
        new_denials=integer(),
        errors=integer(),
        # Set aside because a newer input of the same agent and environment was compared; --all compares them, too.
        older=integer(),
    ),
    "verdicts": array(obj(before=_VERDICT, after=_VERDICT, inputs=integer(1))),
    # How many inputs each rule says something else of.
    "by_rule": array(obj(id=LINE, newly_firing=integer(), no_longer_firing=integer(), changed=integer())),
    "inputs": array(
        obj(
            input=LINE,
            agent=LINE,
            version=LINE,
            environment=LINE,
            at=LINE,
            before=_SIDE,
            after=_SIDE,
            new_denial=boolean(),
            voided_waivers=array(obj(id=LINE, rule=LINE)),
            changes=array(
                obj(
                    rule=LINE,
                    severity=SEVERITY,
                    kind=_KIND,
                    before=_STATE,
                    after=_STATE,
                    appeared=_SAID,
                    disappeared=_SAID,
                )
            ),
        )
    ),
    "errors": array(obj(input=LINE, problems=array(PROBLEM, minimum=1))),
    "notes": LINES,
}
