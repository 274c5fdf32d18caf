"""The closed schema of ``bspec.verification/v1``, but for what every document has."""

from __future__ import annotations

from bspec_opa.foundation.closed_schema import (
    DIGEST,
    IDENTIFIER,
    PRINCIPAL,
    TEXT,
    TIME,
    array,
    boolean,
    enum,
    integer,
    obj,
)
from bspec_opa.report.record.head_schema import SHOWN
from bspec_opa.report.writing.schema_parts import (
    ASSURANCE,
    LINE,
    LINES,
    OPTIONAL_DIGEST,
)

VERIFYING = {
    "bspec.verification/v1": (
        (0,),
        {
            "agent": IDENTIFIER,
            "tree_size": integer(1),
            "trust_root_version": integer(1),
            "deployed": LINE,
            "currency": SHOWN,
            "lines": array(
                obj(
                    number=integer(1),
                    digest=DIGEST,
                    environment=IDENTIFIER,
                    at=TIME,
                    entry=integer(),
                    assurance=ASSURANCE,
                    rules=integer(1),
                    current=boolean(),
                    kind=enum("promotion", "rollback"),
                    target_line=OPTIONAL_DIGEST,
                    emergency=boolean(),
                    reviewed_by=array(PRINCIPAL),
                    adopted=LINES,
                    withdrawn=TEXT,
                    approvals=array(obj(principal=PRINCIPAL, role=IDENTIFIER)),
                    waivers=array(DIGEST),
                ),
                minimum=1,
            ),
            "notes": LINES,
        },
    ),
}
