"""The closed schema of ``bspec.lint/v1``, but for what every document has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import TEXT, array, boolean, enum, integer, obj
from bspec_opa.report.writing.schema_parts import LINE, LINES

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

_SEVERITY = enum("error", "warning")
LINT: dict[str, JsonObject] = {
    "counts": obj(
        files=integer(),
        rules=integer(),
        tests=integer(),
        lint_rules=integer(),
        errors=integer(),
        warnings=integer(),
    ),
    "findings": array(
        obj(
            rule=LINE,
            severity=_SEVERITY,
            code=LINE,
            message=TEXT,
            hint=TEXT,
            file=LINE,
            line=integer(),
            column=integer(),
            end_column=integer(),
            fixable=boolean(),
            page=LINE,
        )
    ),
    "mended": array(obj(rule=LINE, file=LINE, line=integer())),
    "changed": LINES,
    "written": boolean(),
    "applied": array(obj(id=LINE, severity=_SEVERITY, origin=enum("build", "opa", "rego")), minimum=1),
    "notes": LINES,
}
