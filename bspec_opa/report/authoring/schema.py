"""Closed schemas of what the tools of authors print with ``--format json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import DIGEST, TEXT, array, enum, integer, obj
from bspec_opa.report.writing.schema_parts import LINE, LINES, PROBLEM

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

_DIFFERENCE = obj(
    case=LINE,
    file=LINE,
    line=integer(),
    column=integer(),
    source=TEXT,
    message=LINE,
    missing=array(TEXT),
    unexpected=array(TEXT),
    common=integer(),
    values=array(obj(name=LINE, value=TEXT)),
)
_TEST = obj(
    package=LINE,
    name=LINE,
    file=LINE,
    line=integer(1),
    status=enum("passed", "failed", "error"),
    cases=integer(),
    message=TEXT,
    differences=array(_DIFFERENCE),
    duration_ns=integer(),
)
AUTHORING: dict[str, tuple[tuple[int, ...], dict[str, JsonObject]]] = {
    "bspec.policy-new/v1": ((0,), {"rule": LINE, "code": LINE, "owner": LINE, "written": LINES, "next": LINES}),
    "bspec.policy-test/v1": (
        (0, 3, 4),
        {
            "rules": array(LINE, minimum=1),
            "run": LINE,
            "passed": integer(),
            "failed": integer(),
            "tests": array(_TEST),
            "problems": array(PROBLEM),
            "minimum_coverage": integer(0, 100),
            # Empty when a test failed, or when --run left some out.
            "coverage": array(obj(file=LINE, lines=integer(), missed=array(obj(line=integer(1), text=TEXT)))),
        },
    ),
    "bspec.policy-bench/v1": (
        (0,),
        {
            "opa_version": LINE,
            "revision": DIGEST,
            "inputs": array(LINE, minimum=1),
            "repeat": integer(1),
            "decision_ns": integer(),
            "embedded_ns": integer(),
            "total_ns": integer(),
            "rules": array(
                obj(id=LINE, owner=LINE, ns=integer(), share_bp=integer(), worst_ns=integer(), worst_input=LINE),
                minimum=1,
            ),
        },
    ),
}
"""Name of a document to its exit codes and members."""
