"""The content of each record type: closed schemas, and the rules that a schema can't say.

``docs/protocol.md`` lists the fields. A part that isn't there is a list of none; a base or source is the digest of
a lock line or one of a few words.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

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
    optional,
    string,
    violations,
)
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.limits import MAX_EVIDENCE_CASES, MAX_REASON
from bspec_opa.foundation.times import parse_time
from bspec_opa.trust.predicate_rules import evidence_faults, repetitions
from bspec_opa.trust.reasons import BAD_PREDICATE, WRONG_TYPE
from bspec_opa.trust.withdrawal import WITHDRAWALS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bspec_opa.foundation.canonical import JsonObject, JsonValue

GENESIS = "genesis"
"""Base of a promotion when the environment has no head."""
NO_SOURCE = "none"
"""Source of an environment without ``from``."""
MISSING_SOURCE = "missing"
"""Source of an environment whose ``from`` has no line yet."""

QUESTIONS = ("boundary", "privilege", "constraint")
METHODS = ("functional", "adversarial", "red-team", "manual")
CHANGES = ("initial", "cosmetic", "reduction", "governance", "expansion")
STATUSES = ("pass", "warn", "deny", "waived")
ASSURANCES = ("asserted", "measured", "cross-checked")
ENGINE_KINDS = ("embedded", "managed", "rest")

NAME = string(pattern="^[A-Za-z0-9][A-Za-z0-9._:+/@-]*$", maximum=200)
NONCE = string(pattern="^[0-9a-f]{32}$")
REVISION = string(pattern="^[A-Za-z0-9][A-Za-z0-9._:+-]*$", maximum=200)
REASON_TEXT = string(minimum=1, maximum=MAX_REASON)
TITLE = string(minimum=1, maximum=200)
BASE = string(pattern="^(?:genesis|sha256:[0-9a-f]{64})$")
SOURCE = string(pattern="^(?:none|missing|sha256:[0-9a-f]{64})$")
IDS = array(DIGEST, maximum=1000)
ORIGIN = string(pattern="^[a-z0-9][a-z0-9._/-]*$", maximum=200)

_PLACE: dict[str, JsonObject] = {"environment": IDENTIFIER, "base": BASE, "source": SOURCE}
_BUNDLES = array(obj(name=NAME, revision=REVISION, digest=DIGEST), minimum=1, maximum=100)
_DECIDED_ON = obj(origin=ORIGIN, tree_size=integer(), root_hash=DIGEST)
_ENGINES = array(
    obj(
        kind=enum(*ENGINE_KINDS),
        version=NAME,
        bundle_digest=string(pattern="^(?:sha256:[0-9a-f]{64})?$"),  # "": a sidecar that names none
        revision=REVISION,
        provenance=enum("measured", "echoed"),
    ),
    minimum=1,
    maximum=10,
)
_DECISION: dict[str, JsonObject] = {
    "engines": _ENGINES,
    "assurance": enum(*ASSURANCES),
    "rules": array(obj(id=NAME, status=enum(*STATUSES)), minimum=1, maximum=10_000),
}


def _common(record: str) -> dict[str, JsonObject]:
    return {
        "domain": IDENTIFIER,
        "agent": IDENTIFIER,
        "action": enum(record),
        "nonce": NONCE,
        "signed_at": TIME,
        "trust_root": obj(version=integer(1), digest=DIGEST),
    }


COMMON: tuple[str, ...] = tuple(_common(""))
"""The members that every predicate has."""


def _record(record: str, **members: JsonObject) -> JsonObject:
    return obj(**_common(record), **members)


def _line(kind: str, **more: JsonObject) -> JsonObject:
    """A lock line; ``binding`` is checked by the room that owns its schema."""
    return _record(
        kind,
        kind=enum(kind),
        **_PLACE,
        seq=integer(),
        previous=DIGEST,
        surface_digest=DIGEST,
        schema=NAME,
        schema_digest=DIGEST,
        change=obj(
            verdict=enum(*CHANGES),
            digest=DIGEST,
            items=array(obj(verdict=enum(*CHANGES), path=TEXT, what=TEXT), maximum=100_000),
        ),
        submits=IDS,
        approvals=array(obj(id=DIGEST, principal=PRINCIPAL, role=IDENTIFIER), maximum=1000),
        evidence=IDS,
        waivers=IDS,
        reviews=IDS,  # of the emergencies that it follows
        rejected=array(obj(type=TEXT, id=TEXT, reason=TEXT), maximum=10_000),
        request=DIGEST,
        view=DIGEST,
        input_digest=DIGEST,
        now=TIME,
        decision=obj(**_DECISION),
        bundles=_BUNDLES,
        decided_on=_DECIDED_ON,
        adopted=array(obj(environment=IDENTIFIER, at=TIME, deployed=DIGEST), maximum=100),
        **more,
    )


SCHEMAS: Mapping[str, JsonObject] = MappingProxyType(
    {
        "submit": _record(
            "submit",
            version=NAME,
            surface_digest=DIGEST,
            schema_digest=DIGEST,
            catalog=obj(digest=DIGEST),
            components=array(obj(id=IDENTIFIER, digest=DIGEST), maximum=1000),
            supersedes=optional(DIGEST),
        ),
        "evidence": _record(
            "evidence",
            environment=IDENTIFIER,
            question=enum(*QUESTIONS),
            method=enum(*METHODS),
            counts=obj(
                n=integer(1, MAX_EVIDENCE_CASES), pass_=integer(), fail=integer(), error=integer(), skip=integer()
            ),
            probes=array(
                obj(scope_out_id=IDENTIFIER, cases=integer(0, MAX_EVIDENCE_CASES), passed=integer()), maximum=10_000
            ),
            observed_tools=array(string(minimum=1, maximum=400), maximum=10_000),
            dataset=obj(name=TITLE, digest=DIGEST),
            harness=obj(name=TITLE, version=TITLE, digest=DIGEST),
            raw_log=obj(digest=DIGEST),
            started=TIME,
            finished=TIME,
        ),
        "approval": _record(
            "approval",
            **_PLACE,
            decision=enum("approve", "reject"),
            role=IDENTIFIER,
            change_digest=DIGEST,
            view=DIGEST,
            evidence=IDS,
            waivers=IDS,
            expires=string(maximum=20),
            reason=string(maximum=MAX_REASON),
        ),
        "waiver": _record(
            "waiver",
            environment=IDENTIFIER,
            base=BASE,
            rule=obj(id=NAME, digest=DIGEST),
            findings=array(obj(path=TEXT, msg=TEXT), minimum=1, maximum=1000),
            reason=REASON_TEXT,
            requester=PRINCIPAL,
            expires=TIME,
            renewal=optional(DIGEST),
        ),
        "request": _record(
            "request", **_PLACE, emergency=boolean(), reason=string(maximum=MAX_REASON), expires=TIME
        ),  # emergency: that the quorum for emergencies is to do, for a rollback
        "review": _record("review", environment=IDENTIFIER, line=DIGEST, reason=REASON_TEXT),
        "promotion": _line("promotion"),
        "rollback": _line("rollback", target_line=DIGEST, emergency=boolean(), requester=PRINCIPAL),
        "denial": _record(
            "denial",
            **_PLACE,
            input_digest=DIGEST,
            now=TIME,
            decision=obj(**_DECISION, exit_code={"type": "integer", "enum": [4, 5]}),
            bundles=_BUNDLES,
            decided_on=_DECIDED_ON,
        ),
        **{record: _record(record, **members) for record, members in WITHDRAWALS.items()},
    }
)
"""Record name to the closed schema of its predicate; ``binding`` of a lock line stands beside it."""

WITH_BINDING = frozenset(("promotion", "rollback"))
"""Records that carry the whole binding."""


def check_predicate(record: str, predicate: JsonObject, name: str = "predicate") -> None:
    """Check a predicate against its record type, completely.

    Raises:
        TrustError: an unknown record type, a member missing, unknown or of another form (attacks A04, A20), or a
            contradiction such as counts that don't add up.
    """
    at = Location(name)
    schema = SCHEMAS.get(record)
    if schema is None:
        raise WRONG_TYPE.error(f"unknown record type {record[:80]!r}", hint="use a type of this version", at=at)
    if fault := next(_faults(record, schema, predicate), None):
        raise BAD_PREDICATE.error(f"{record}: {fault}", hint="sign the record again with this tool", at=at)


def _faults(record: str, schema: JsonObject, predicate: JsonObject) -> Iterator[str]:
    """What is wrong; only the first is read, so that rules run over what fits the schema."""
    rest = dict(predicate)
    if record in WITH_BINDING and not isinstance(rest.pop("binding", None), dict):
        yield "/binding must be an object"
    for violation in violations(schema, rest, limit=1):
        yield f"{violation.pointer} {violation.message}".strip()
    yield from _bad_times(predicate)
    if record == "evidence":
        yield from evidence_faults(predicate)
    elif record == "approval":
        yield from _approval(predicate)
    elif record in ("waiver", "request"):
        yield from _expiry(predicate)
    yield from repetitions(predicate)


_TIMES = frozenset(("signed_at", "started", "finished", "now"))


def _bad_times(predicate: JsonObject) -> Iterator[str]:
    yield from (f"/{m} does not exist" for m in sorted(_TIMES & predicate.keys()) if not _exists(predicate[m]))


def _exists(text: JsonValue) -> bool:
    try:
        parse_time(str(text))
    except BspecError:
        return False
    return True


def _approval(predicate: JsonObject) -> Iterator[str]:
    if predicate["decision"] == "approve":
        yield from _expiry(predicate)
    elif predicate["expires"] != "":
        yield "/expires of a reject must be empty: a reject never expires"


def _expiry(predicate: JsonObject) -> Iterator[str]:
    if not _exists(predicate["expires"]):
        yield "/expires is no moment"
    elif str(predicate["expires"]) <= str(predicate["signed_at"]):
        yield "/expires is not after signed_at"
