"""The closed schemas of ``bspec.history/v1`` and ``bspec.audit/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import (
    DIGEST,
    IDENTIFIER,
    TEXT,
    TIME,
    array,
    boolean,
    enum,
    integer,
    obj,
    optional,
)
from bspec_opa.report.writing.schema_parts import ASSURANCE, BUNDLE, LINE, LINES, OPTIONAL_DIGEST
from bspec_opa.trust.predicates import CHANGES

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject

_SINCE = obj(
    of=LINE,
    kind=enum("record", "key"),
    id=LINE,
    root_version=integer(),
    entry=integer(-1),
    by=LINE,
    at=TIME,
    reason=TEXT,
)
_SIGNED = obj(
    type=enum("submit", "evidence", "approval", "waiver", "request", "review"),
    id=DIGEST,
    entry=integer(-1),
    principal=LINE,
    role=LINE,
    at=LINE,
    expires=LINE,
    about=LINE,
)
_LINE = obj(
    number=integer(1),
    digest=DIGEST,
    entry=integer(),
    kind=enum("promotion", "rollback"),
    target_line=OPTIONAL_DIGEST,
    emergency=boolean(),
    reviews=array(_SIGNED),
    at=TIME,
    intent=DIGEST,
    binding=DIGEST,
    bundle=BUNDLE,
    assurance=ASSURANCE,
    change=obj(verdict=enum(*CHANGES), items=array(obj(verdict=enum(*CHANGES), path=TEXT, what=TEXT))),
    gate=LINE,
    submits=array(_SIGNED),
    evidence=array(_SIGNED),
    approvals=array(_SIGNED),
    waivers=array(_SIGNED),
    request=_SIGNED,
    adopted=array(obj(environment=IDENTIFIER, at=TIME, deployed=DIGEST)),
    since=array(_SINCE),
)
HISTORY: dict[str, JsonObject] = {
    "agent": IDENTIFIER,
    "tree_size": integer(1),
    "until": TIME,
    "trust_root_version": integer(1),
    "environments": array(
        obj(
            environment=IDENTIFIER,
            events=array(
                obj(
                    state=enum("current", "superseded", "revoked", "retired", "void", "denied", "pending"),
                    version=LINE,
                    entry=integer(),
                    why=TEXT,
                    line=optional(_LINE),
                    denial=optional(obj(at=TIME, rules=LINES, gate=LINE)),
                ),
                minimum=1,
            ),
        )
    ),
    "notes": LINES,
}
AUDIT: dict[str, JsonObject] = {
    "at": TIME,
    "position": integer(),
    "tree_size": integer(1),
    "until": TIME,
    "trust_root": obj(then=integer(), now=integer(1)),
    "agents": array(
        obj(
            agent=LINE,
            environment=IDENTIFIER,
            state=enum("authorised", "nothing", "not-proven"),
            why=TEXT,
            version=LINE,
            capabilities=array(TEXT),
            surface=OPTIONAL_DIGEST,
            models=array(obj(class_=IDENTIFIER, provider=IDENTIFIER, identity=TEXT, region=array(TEXT))),
            tools=array(obj(id=IDENTIFIER, release=TEXT, contract_digest=DIGEST, operations=LINES)),
            components=array(obj(id=IDENTIFIER, digest=DIGEST)),
            rules=integer(),
            line=optional(_LINE),
        )
    ),
    "notes": LINES,
}
SCHEMAS = {"bspec.history/v1": ((0,), HISTORY), "bspec.audit/v1": ((0, 7), AUDIT)}
