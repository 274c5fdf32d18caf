from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import World, digest, refused

from bspec_opa.bundle.contract import decision, definitions
from bspec_opa.trust import predicates
from bspec_opa.trust.predicates import COMMON, SCHEMAS, WITH_BINDING, check_predicate
from bspec_opa.trust.statement import RECORD_TYPES

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject, JsonValue

WORLD = World()
D = str(digest("some"))

# Frozen from the protocol's table of records: members beyond the common ones.
MEMBERS = {
    "submit": "version surface_digest schema_digest catalog components supersedes",
    "evidence": ("environment question method counts probes observed_tools dataset harness raw_log started finished"),
    "approval": "environment decision role base source change_digest view evidence waivers expires reason",
    "waiver": "environment base rule findings reason requester expires renewal",
    "request": "environment base source emergency reason expires",
    "review": "environment line reason",
    "promotion": (
        "kind environment seq previous base source surface_digest schema schema_digest binding change submits "
        "approvals evidence waivers reviews rejected request view input_digest now decision bundles decided_on adopted"
    ),
    "rollback": (
        "kind environment seq previous base source surface_digest schema schema_digest binding change submits "
        "approvals evidence waivers reviews rejected request view input_digest now decision bundles decided_on "
        "adopted target_line emergency requester"
    ),
    "revocation": "environment type mode reason",
    "retirement": "environment reason",
    "denial": "environment base source input_digest now decision bundles decided_on",
}


def test_every_record_has_exactly_the_members_of_the_protocol() -> None:
    assert set(COMMON) == {"domain", "agent", "action", "nonce", "signed_at", "trust_root"}
    assert set(SCHEMAS) == set(RECORD_TYPES) == set(MEMBERS)
    for record, schema in SCHEMAS.items():
        properties: JsonObject = schema["properties"]  # type: ignore[assignment]
        binding = {"binding"} if record in WITH_BINDING else set()
        assert set(properties) | binding == set(COMMON) | set(MEMBERS[record].split()), record


def test_words_are_those_of_the_policy_contract() -> None:
    for name in ("QUESTIONS", "METHODS", "CHANGES"):
        assert getattr(predicates, name) == getattr(definitions, name)
    assert predicates.STATUSES == decision.STATUSES


@pytest.mark.parametrize("record", RECORD_TYPES)
def test_a_good_predicate_of_every_type_is_taken(record: str) -> None:
    predicate = WORLD.predicate(record)
    before = copy.deepcopy(predicate)
    check_predicate(record, predicate)
    assert predicate == before


@pytest.mark.attack("A04")
@pytest.mark.attack("A20")
@pytest.mark.parametrize("record", RECORD_TYPES)
def test_every_member_is_needed_and_no_other_is_taken(record: str) -> None:
    good = WORLD.predicate(record)
    for member in good:
        with refused("trust.bad-predicate"):
            check_predicate(record, {k: v for k, v in good.items() if k != member})
    for extra in ("principal", "signer", "approver", "x-note"):
        with refused("trust.bad-predicate"):
            check_predicate(record, good | {extra: "alice"})


@pytest.mark.parametrize("record", RECORD_TYPES)
@pytest.mark.parametrize("wrong", [None, True, -1, [None], {"x": None}], ids=str)
def test_no_member_is_of_another_kind(record: str, wrong: JsonValue) -> None:
    good = WORLD.predicate(record)
    for member in good:
        if member == "binding" and isinstance(wrong, dict):
            continue  # an object; the room that owns it checks the rest
        if isinstance(good[member], bool) and isinstance(wrong, bool):
            continue
        with refused("trust.bad-predicate"):
            check_predicate(record, good | {member: wrong})


@pytest.mark.attack("A03")
def test_a_predicate_fits_its_own_type_only() -> None:
    for record in RECORD_TYPES:
        for other in set(RECORD_TYPES) - {record}:
            with refused("trust.bad-predicate"):
                check_predicate(other, WORLD.predicate(record))


@pytest.mark.attack("A20")
def test_unknown_record_type_is_refused() -> None:
    with refused("trust.wrong-type"):
        check_predicate("adoption", WORLD.predicate("submit"))


def counts(n: int, passed: int, failed: int = 0, error: int = 0, skip: int = 0) -> JsonObject:
    return {"n": n, "pass": passed, "fail": failed, "error": error, "skip": skip}


REFUSED: dict[str, tuple[str, JsonObject]] = {
    "no cases": ("evidence", {"counts": counts(0, 0)}),
    "counts that don't add up": ("evidence", {"counts": counts(200, 199)}),
    "counts that add up to more": ("evidence", {"counts": counts(200, 200, 0, 0, 1)}),
    "negative count": ("evidence", {"counts": counts(200, 201, -1)}),
    "true as a count": ("evidence", {"counts": counts(1, True)}),
    "too many cases": ("evidence", {"counts": counts(100_001, 100_001)}),
    "more passed than probed": ("evidence", {"probes": [{"scope_out_id": "refunds", "cases": 1, "passed": 2}]}),
    "probe twice": (
        "evidence",
        {"probes": [{"scope_out_id": "refunds", "cases": n, "passed": n} for n in (1, 2)]},
    ),
    "more probes failed than cases": (
        "evidence",
        {"counts": counts(200, 199, 1), "probes": [{"scope_out_id": i, "cases": 1, "passed": 0} for i in ("a", "b")]},
    ),
    "more probed than cases": ("evidence", {"probes": [{"scope_out_id": "refunds", "cases": 201, "passed": 201}]}),
    "finished before started": ("evidence", {"started": "2026-06-01T12:00:00Z", "finished": "2026-06-01T11:59:59Z"}),
    "finished after signed": ("evidence", {"finished": "2026-06-01T12:00:01Z"}),
    "tool observed twice": ("evidence", {"observed_tools": ["a/b", "a/b"]}),
    "unknown question": ("evidence", {"question": "privacy"}),
    "no such day": ("evidence", {"started": "2026-02-30T00:00:00Z"}),
    "approval without expiry": ("approval", {"expires": ""}),
    "approval that expires at once": ("approval", {"expires": "2026-06-01T12:00:00Z"}),
    "approval that expires on no day": ("approval", {"expires": "2026-06-31T00:00:00Z"}),
    "reject that expires": ("approval", {"decision": "reject"}),
    "neither approve nor reject": ("approval", {"decision": "abstain", "expires": ""}),
    "evidence listed twice": ("approval", {"evidence": [D, D]}),
    "waiver listed twice": ("approval", {"waivers": [D, D]}),
    "base that is no line": ("approval", {"base": "none"}),
    "source that is no line": ("approval", {"source": "genesis"}),
    "base with a line feed": ("approval", {"base": "genesis\n"}),
    "waiver for nothing": ("waiver", {"findings": []}),
    "waiver without a reason": ("waiver", {"reason": ""}),
    "waiver without expiry": ("waiver", {"expires": ""}),
    "waiver that renews two": ("waiver", {"renewal": [D, str(digest("other"))]}),
    "request without expiry": ("request", {"expires": ""}),
    "component twice": ("submit", {"components": [{"id": "a", "digest": D}] * 2}),
    "supersedes two": ("submit", {"supersedes": [D, str(digest("other"))]}),
    "signed on no day": ("submit", {"signed_at": "2026-13-01T00:00:00Z"}),
    "signed with fractions": ("submit", {"signed_at": "2026-06-01T12:00:00.5Z"}),
    "another action": ("submit", {"action": "approval"}),
    "short nonce": ("submit", {"nonce": "00"}),
    "root version zero": ("submit", {"trust_root": {"version": 0, "digest": D}}),
    "agent with a capital": ("submit", {"agent": "Billing"}),
    "line of another kind": ("promotion", {"kind": "rollback"}),
    "line without a bundle": ("promotion", {"bundles": []}),
    "line with a bundle twice": ("promotion", {"bundles": [{"name": "a", "revision": "1", "digest": D}] * 2}),
    "line with an approval twice": ("promotion", {"approvals": [{"id": D, "principal": "a", "role": "b"}] * 2}),
    "line with a submit twice": ("promotion", {"submits": [D, D]}),
    "line without a binding object": ("promotion", {"binding": [], "kind": "promotion"}),
    "denial that allows": ("denial", {"decision": {**WORLD.predicate("denial")["decision"], "exit_code": 0}}),  # type: ignore[dict-item]
    "denial decided on no day": ("denial", {"now": "2026-02-29T00:00:00Z"}),
}


@pytest.mark.attack("A04")
@pytest.mark.parametrize("name", REFUSED)
def test_contradictions_are_refused(name: str) -> None:
    record, changes = REFUSED[name]
    with refused("trust.bad-predicate") as e:
        check_predicate(record, WORLD.predicate(record, changes), "file.json")
    assert str(e.value).startswith(f"file.json: {record}: /"), str(e.value)
    assert e.value.exit_code == 7


ACCEPTED: dict[str, tuple[str, JsonObject]] = {
    "one case that failed": ("evidence", {"counts": counts(1, 0, 1), "probes": []}),
    "errors and skips are cases": ("evidence", {"counts": counts(4, 1, 1, 1, 1), "probes": []}),
    "finished when signed": ("evidence", {"finished": "2026-06-01T12:00:00Z"}),
    "nothing observed, nothing probed": ("evidence", {"observed_tools": [], "probes": []}),
    "probe that failed": (
        "evidence",
        {"counts": counts(200, 198, 2), "probes": [{"scope_out_id": "refunds", "cases": 2, "passed": 0}]},
    ),
    "approval for a second": ("approval", {"expires": "2026-06-01T12:00:01Z"}),
    "reject without expiry": ("approval", {"decision": "reject", "expires": ""}),
    "base and source are lines": ("approval", {"base": D, "source": D}),
    "source is missing": ("approval", {"source": "missing"}),
    "renewed waiver": ("waiver", {"renewal": [D]}),
    "submit that supersedes": ("submit", {"supersedes": [D]}),
    "sidecar that names no bundle": (
        "promotion",
        {
            "decision": {
                "engines": [
                    {"kind": "rest", "version": "1.22.2", "bundle_digest": "", "revision": D, "provenance": "echoed"}
                ],
                "assurance": "asserted",
                "rules": [{"id": "promotion.all.submitted", "status": "waived"}],
            }
        },
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_makes_sense_is_taken(name: str) -> None:
    record, changes = ACCEPTED[name]
    check_predicate(record, WORLD.predicate(record, changes))


@given(
    passed=st.integers(0, 300),
    failed=st.integers(0, 300),
    error=st.integers(0, 300),
    skip=st.integers(0, 300),
    n=st.integers(0, 300),
)
def test_counts_are_taken_exactly_when_they_add_up(passed: int, failed: int, error: int, skip: int, n: int) -> None:
    total = passed + failed + error + skip
    for claimed in (n, total):
        changes: JsonObject = {"counts": counts(claimed, passed, failed, error, skip), "probes": []}
        predicate = WORLD.predicate("evidence", changes)
        if claimed == total and claimed >= 1:
            check_predicate("evidence", predicate)
        else:
            with refused("trust.bad-predicate"):
                check_predicate("evidence", predicate)


@pytest.mark.parametrize("record", RECORD_TYPES)
def test_schemas_are_json_schema(record: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[record])
    predicate = WORLD.predicate(record)
    predicate.pop("binding", None)
    jsonschema.Draft202012Validator(SCHEMAS[record]).validate(predicate)
