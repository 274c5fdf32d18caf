"""The closed schema of ``bspec.check/v1``, but for what every document has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import TEXT, array, enum, integer, integers, obj
from bspec_opa.report.writing.schema_parts import BUNDLE, LINE, LINES, OPEN, PROBLEM

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

_CHECKED = array(
    obj(
        message=TEXT,
        path=LINE,
        file=LINE,
        line=integer(),
        column=integer(),
        end_column=integer(),
        # What else a conftest policy says of it.
        details=OPEN,
    )
)
CHECK: dict[str, JsonObject] = {
    "counts": obj(
        files=integer(),
        tests=integer(),
        passed=integer(),
        warnings=integer(),
        failures=integer(),
        exceptions=integer(),
        errors=integer(),
    ),
    "files": array(
        obj(
            file=LINE,
            verdict=enum("passed", "denied", "pending", "failed"),
            exit_code=integers(0, 2, 3, 4, 5, 6, 7, 8, 9),
            agent=LINE,
            version=LINE,
            bundle=array(BUNDLE, maximum=1),
            rules=array(
                obj(
                    id=LINE,
                    origin=enum("bundle", "conftest"),
                    code=LINE,
                    title=LINE,
                    status=enum("pass", "warn", "deny", "excepted"),
                    severity=enum("critical", "high", "medium", "low", ""),
                    remediation=LINE,
                    controls=LINES,
                    denied=_CHECKED,
                    warned=_CHECKED,
                    excepted=_CHECKED,
                )
            ),
            problems=array(PROBLEM),
        ),
        minimum=1,
    ),
}
