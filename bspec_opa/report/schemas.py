"""Closed schemas of every document that a verb prints with ``--format json``.

Published under ``docs/schemas``. Within a version members are only ever added, and a code never changes its meaning.
A file that is not known is "", a line, a column or an exit code of nothing is 0, a ledger entry that was not written
is -1: no member is ever absent or null.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from bspec_opa.binding.read import BINDING_SCHEMA
from bspec_opa.bundle.contract.definitions import NEEDS
from bspec_opa.bundle.index import ENTRY
from bspec_opa.foundation.closed_schema import (
    DIGEST,
    HEX64,
    IDENTIFIER,
    PRINCIPAL,
    TEXT,
    TIME,
    array,
    boolean,
    enum,
    integer,
    integers,
    obj,
)
from bspec_opa.report.audit.pack import SCHEMAS as PACKING
from bspec_opa.report.audit.schema import SCHEMAS as AUDITING
from bspec_opa.report.authoring.policy_doc import POLICY_DOC
from bspec_opa.report.authoring.schema import AUTHORING
from bspec_opa.report.bundles.registry_schema import REGISTRY
from bspec_opa.report.bundles.serving_schema import SERVING
from bspec_opa.report.bundles.signing_schema import PUBLISHERS, SIGNATURE, SIGNING
from bspec_opa.report.check.schema import CHECK
from bspec_opa.report.decision.adopting import ADOPTION
from bspec_opa.report.decision.controls_schema import CONTROLS, PROOF
from bspec_opa.report.decision.explain_schema import EXPLANATION
from bspec_opa.report.decision.impact_schema import IMPACT
from bspec_opa.report.decision.rolling import ROLLBACK
from bspec_opa.report.lint.schema import LINT
from bspec_opa.report.record.database import DATABASE
from bspec_opa.report.record.head_schema import DEMAND, HEADS
from bspec_opa.report.record.ledger_schema import LEDGER
from bspec_opa.report.record.verification_schema import VERIFYING
from bspec_opa.report.record.waivers_schema import STANDING, WAIVING
from bspec_opa.report.record.withdrawal import SCHEMAS as WITHDRAWING
from bspec_opa.report.record.witness_schema import KNOWN_WITNESSES, WITNESSING
from bspec_opa.report.trust.rotation_schema import ROTATION
from bspec_opa.report.writing.schema_parts import (
    ASSURANCE,
    BASES,
    BUNDLE,
    LINE,
    LINES,
    OPEN,
    OPTIONAL_DIGEST,
    OWNERS,
    PROBLEM,
    SEVERITY,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.foundation.canonical import JsonObject

_NEEDS = obj(
    kind=enum(*NEEDS),
    role=LINE,
    question=LINE,
    method=LINE,
    count=integer(),
)
_FINDINGS = array(
    obj(
        message=TEXT,
        path=LINE,
        file=LINE,
        line=integer(),
        column=integer(),
        needs=array(_NEEDS, maximum=1),
    )
)
_RULE = obj(
    id=LINE,
    code=LINE,
    title=LINE,
    status=enum("pass", "warn", "deny", "waived"),
    severity=SEVERITY,
    remediation=LINE,
    controls=LINES,
    denied=_FINDINGS,
    pending=_FINDINGS,
    warned=_FINDINGS,
    waived=_FINDINGS,
)
_ENGINE = obj(
    kind=enum("embedded", "rest", "managed"),
    version=LINE,
    revision=LINE,
    bundle_digest=OPTIONAL_DIGEST,
    provenance=enum("measured", "echoed"),
)
_BUNDLE_FILE = {"file": LINE, **cast("dict[str, JsonObject]", BUNDLE["properties"]), "rules": integer(1)}
_REJECTED = array(obj(type=LINE, id=LINE, file=LINE, code=LINE, message=TEXT))
_RECORD = obj(
    type=enum(*("submit", "evidence", "approval", "waiver", "request", "review"), *("revocation", "retirement")),
    id=DIGEST,
    agent=IDENTIFIER,
    environment=LINE,
    principal=PRINCIPAL,
    role=IDENTIFIER,
)
_EVALUATION: dict[str, JsonObject] = {
    "file": LINE,
    "verdict": enum("allowed", "denied", "pending"),
    "agent": IDENTIFIER,
    "version": LINE,
    "environment": IDENTIFIER,
    "rollback": ROLLBACK,
    "adoption": ADOPTION,
    "advisory": boolean(),
    "assurance": ASSURANCE,
    "engines": array(_ENGINE, minimum=1),
    "bundle": BUNDLE,
    "rules": array(_RULE, minimum=1),
    "floor": array(PROBLEM),
    "rejected": _REJECTED,
    "unsequenced": array(DIGEST),
    "waivers": array(STANDING),
    "proof": PROOF,
    "notes": LINES,
    "next": LINES,
}
_WRITTEN: dict[str, JsonObject] = {
    "line": OPTIONAL_DIGEST,
    "entry": integer(-1),
    "lock": LINE,
    "sequenced": array(DIGEST),
    "restored": integer(),
    "head": LINE,
    "head_notes": LINES,
}
_ENTRY = cast("dict[str, JsonObject]", ENTRY["properties"])
_BINDING = cast("dict[str, JsonObject]", BINDING_SCHEMA["properties"])
_TOOL = cast("dict[str, JsonObject]", cast("JsonObject", _BINDING["tools"]["items"])["properties"])
_BOUND = obj(
    **{
        **_BINDING,
        "tools": array(obj(**{**_TOOL, "contract": obj(kind=LINE, digest=DIGEST, document=OPEN)}), maximum=1000),
    }
)


def _document(name: str, codes: tuple[int, ...], members: dict[str, JsonObject]) -> JsonObject:
    return obj(schema=enum(name), exit_code=integers(*codes), **members)


_SCHEMAS = {
    "bspec.error/v1": ((1, 2, 3, 7, 8, 9), {"file": LINE, "problems": array(PROBLEM, minimum=1)}),
    "bspec.validation/v1": (
        (0, 2, 3),
        {
            "files": array(
                obj(file=LINE, valid=boolean(), intent=LINE, digest=OPTIONAL_DIGEST, problems=array(PROBLEM)), minimum=1
            )
        },
    ),
    "bspec.check/v1": ((0, 2, 3, 4, 5, 6, 7, 8, 9), CHECK),
    "bspec.lint/v1": ((0, 3, 6), LINT),
    "bspec.policy-doc/v1": ((0,), POLICY_DOC),
    "bspec.evaluation/v1": ((0, 4, 5, 6), _EVALUATION),
    "bspec.evaluations/v1": (
        (0, 2, 3, 4, 5, 6, 7, 8, 9),
        {
            "environment": LINE,
            "counts": obj(allowed=integer(), pending=integer(), denied=integer(), failed=integer()),
            # Each is a bspec.evaluation/v1 or, where nothing could be decided, a bspec.error/v1.
            "results": array(OPEN, minimum=1),
        },
    ),
    "bspec.explanation/v1": ((0,), EXPLANATION),
    "bspec.impact/v1": ((0, 3, 4, 7, 8), IMPACT),
    "bspec.promotion/v1": ((0, 4, 5), _EVALUATION | _WRITTEN),
    "bspec.promotion-current/v1": ((0,), {"environment": IDENTIFIER, **_WRITTEN, "next": LINES}),
    "bspec.record/v1": ((0,), {"record": _RECORD, "file": LINE, "next": LINES}),
    "bspec.recorded/v1": ((0,), {"tree_size": integer(), "records": array(_RECORD), "rejected": _REJECTED}),
    "bspec.resolution/v1": ((0,), {"digest": DIGEST, "file": LINE, "binding": _BOUND, "next": LINES}),
    "bspec.trust-state/v1": (
        (0,),
        {
            "domain": IDENTIFIER,
            "version": integer(1),
            "digest": DIGEST,
            "pin": DIGEST,
            "authenticated": boolean(),
            "issued": TIME,
            "expires": TIME,
            "file": LINE,
            "environments": array(
                obj(id=IDENTIFIER, from_=LINE, assurance=ASSURANCE, mandatory_rules=LINES, adoption=LINE), minimum=1
            ),
            "publishers": PUBLISHERS,
            "witnesses": KNOWN_WITNESSES,
            "head": DEMAND,
        },
    ),
    "bspec.key/v1": ((0,), {"keyid": HEX64, "algorithm": enum("ed25519", "ecdsa-p256-sha256"), "file": LINE}),
    **VERIFYING,
    "bspec.lock/v1": (
        (0,),
        {
            "lines": array(
                obj(
                    number=integer(1),
                    digest=DIGEST,
                    agent=IDENTIFIER,
                    environment=IDENTIFIER,
                    intent_digest=DIGEST,
                    binding_digest=DIGEST,
                    predicate=OPEN,
                ),
                minimum=1,
            )
        },
    ),
    "bspec.bundle/v1": (
        (0,),
        {
            "name": LINE,
            "digest": DIGEST,
            "revision": LINE,
            "rules_digest": DIGEST,
            "data_digest": DIGEST,
            "opa_version": LINE,
            "base": BASES,
            "organisation": LINE,
            "environments": array(IDENTIFIER),
            "own_rules": array(IDENTIFIER),
            "rules": array(obj(**_ENTRY, environments=array(IDENTIFIER), tiers=LINES), minimum=1),
            "files": array(obj(name=LINE, bytes=integer(), digest=DIGEST), minimum=1),
            "signature": SIGNATURE,
        },
    ),
    "bspec.bundle-built/v1": ((0,), {**_BUNDLE_FILE, "base": BASES, "owners": OWNERS, "notes": LINES}),
    **SIGNING,
    "bspec.bundle-exported/v1": ((0,), _BUNDLE_FILE),
    **SERVING,
    **LEDGER,
    **DATABASE,
    **REGISTRY,
    **ROTATION,
    **WITNESSING,
    **WAIVING,
    **HEADS,
    "bspec.controls/v1": ((0,), CONTROLS),
    "bspec.doctor/v1": (
        (0, 2, 3, 7, 8, 9),
        {
            "findings": array(
                obj(subject=LINE, state=enum("ok", "note", "warn", "bad"), message=TEXT, remedy=LINE, code=LINE),
                minimum=1,
            )
        },
    ),
    **AUDITING,
    **PACKING,
    **WITHDRAWING,
    **AUTHORING,
    "bspec.init/v1": ((0,), {"directory": LINE, "intent": LINE, "written": LINES, "kept": LINES, "next": LINES}),
}

SCHEMAS: Mapping[str, JsonObject] = MappingProxyType(
    {name: _document(name, codes, members) for name, (codes, members) in _SCHEMAS.items()}
)
"""Name of a document (its ``schema`` member) to its closed schema."""
