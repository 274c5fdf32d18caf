from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import World, digest

from bspec_opa.approval.facts import (
    Author,
    Expected,
    approval_facts,
    authors_since,
    submit_facts,
    submits_since,
)
from bspec_opa.bundle.contract.definitions import input_schema
from bspec_opa.foundation.closed_schema import violations
from bspec_opa.foundation.limits import UNLIMITED
from bspec_opa.foundation.times import parse_time

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.authority import Record

NOW = World.NOW
BASE = digest("line 1")
SOURCE = digest("staging line")
OTHER = digest("other")
ALL = {"intent", "binding", "base", "source", "evidence", "change", "view"}


def expected(**changes: Any) -> Expected:
    promoted = Expected(
        agent="billing-support",
        environment="production",
        intent_digest=World.INTENT,
        binding_digest=World.BINDING,
        base=BASE,
        source=SOURCE,
        evidence_ids=frozenset({digest("e1"), digest("e2")}),
        evidence_matters=True,
        change_digest=digest("change"),
        view_of=lambda _: digest("view"),
    )
    return replace(promoted, **changes)


class Sheet:
    """Approvals as they stand in the ledger."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.records: list[Record] = []

    def add(self, decision: str = "approve", at: int = NOW - 100, **changes: Any) -> Record:
        own: dict[str, Any] = {
            "environment": "production",
            "base": BASE,
            "source": SOURCE,
            "evidence": [digest("e2"), digest("e1")],
            "decision": decision,
            **({"expires": ""} if decision == "reject" else {}),
        }
        record = self.world.verify(self.world.approval(at=at, **{**own, **changes}))
        self.records.append(record)
        return record

    def facts(self, **changes: Any) -> list[Any]:
        found = approval_facts(self.records, expected(**changes), NOW)
        schema = input_schema()
        approvals: Any = schema["properties"]["approvals"]  # type: ignore[index, call-overload]
        assert violations({**approvals, "$defs": schema["$defs"]}, [*found]) == []
        return found

    def ids(self, **changes: Any) -> list[Digest]:
        return [f["id"] for f in self.facts(**changes)]


@pytest.fixture
def sheet(world: World) -> Sheet:
    return Sheet(world)


def unbound(fact: JsonObject) -> set[str]:
    binds: Any = fact["binds"]
    return {name for name, bound in binds.items() if not bound}


def test_an_approval_of_exactly_this(sheet: Sheet) -> None:
    record = sheet.add(at=NOW - 3600, expires="2026-06-02T00:00:00Z")
    assert sheet.facts() == [
        {
            "id": record.id,
            "principal": "dana",
            "group": "team:platform",
            "role": "environment-admin",
            "decision": "approve",
            "age_seconds": 3600,
            "expires_unix": parse_time("2026-06-02T00:00:00Z"),
            "binds": dict.fromkeys(sorted(ALL), True),
        }
    ]


def test_a_reject_has_no_end(sheet: Sheet) -> None:
    sheet.add("reject", role="security")
    (fact,) = sheet.facts()
    assert (fact["decision"], fact["principal"], fact["expires_unix"]) == ("reject", "sam", UNLIMITED)


def test_an_age_is_never_negative(sheet: Sheet) -> None:
    sheet.add(at=NOW)
    (fact,) = approval_facts(sheet.records, expected(), NOW - 50)
    assert fact["age_seconds"] == 0


@pytest.mark.attack("A08")
@pytest.mark.attack("A82")
@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({"intent": OTHER}, {"intent"}),
        ({"binding_digest": OTHER}, {"binding"}),
        ({"base": OTHER}, {"base"}),
        ({"base": "genesis"}, {"base"}),
        ({"source": OTHER}, {"source"}),
        ({"source": "missing"}, {"source"}),
        ({"evidence": [digest("e1")]}, {"evidence"}),
        ({"evidence": [digest("e1"), digest("e2"), digest("e3")]}, {"evidence"}),
        ({"change_digest": OTHER}, {"change"}),
        ({"view": OTHER}, {"view"}),
    ],
    ids=str,
)
def test_what_was_signed_and_is_not_promoted_is_said(sheet: Sheet, changes: dict[str, Any], lost: set[str]) -> None:
    sheet.add(**changes)
    (fact,) = sheet.facts()
    assert unbound(fact) == lost


def test_without_a_binding_no_approval_binds_it(sheet: Sheet) -> None:
    sheet.add()
    (fact,) = sheet.facts(binding_digest=None)
    assert unbound(fact) == {"binding"}


@pytest.mark.attack("A83")
def test_evidence_added_later_voids_productions_approvals_only(sheet: Sheet) -> None:
    sheet.add()
    more = expected().evidence_ids | {digest("failing run")}
    assert [unbound(f) for f in sheet.facts(evidence_ids=more)] == [{"evidence"}]
    assert [unbound(f) for f in sheet.facts(evidence_ids=more, evidence_matters=False)] == [set()]


@pytest.mark.attack("A87")
def test_the_view_is_rebuilt_from_what_the_approval_lists(sheet: Sheet) -> None:
    record = sheet.add(evidence=[digest("e1")], waivers=[digest("w")])
    seen: list[JsonObject] = []

    def rebuild(predicate: JsonObject) -> Digest | None:
        seen.append(predicate)
        return None

    (fact,) = sheet.facts(view_of=rebuild, evidence_matters=False)
    assert unbound(fact) == {"view"}
    assert seen == [record.predicate]
    (fact,) = sheet.facts(view_of=lambda _: digest("another view"), evidence_matters=False)
    assert unbound(fact) == {"view"}


@pytest.mark.attack("A07")
def test_an_approval_for_another_agent_or_environment_is_not_there(sheet: Sheet) -> None:
    sheet.add(environment="staging", base=BASE)
    sheet.add(agent="other-agent")
    assert sheet.ids() == []


@pytest.mark.attack("A90")
def test_an_approval_of_an_older_head_stays_void_when_the_same_binding_is_back(sheet: Sheet) -> None:
    sheet.add(base=digest("line 1"))
    (fact,) = sheet.facts(base=digest("line 3"))
    assert unbound(fact) == {"base"}


def test_only_what_is_about_this_base_or_this_intent_is_listed(sheet: Sheet) -> None:
    here = sheet.add(intent=OTHER, role="security")
    same = sheet.add(base=OTHER)
    sheet.add(intent=OTHER, base=OTHER, role="risk-owner")
    assert sheet.ids() == [here.id, same.id]


@pytest.mark.attack("A10")
def test_a_repeated_record_counts_once_where_it_first_was(sheet: Sheet) -> None:
    approval = sheet.add(at=NOW - 50)
    reject = sheet.add("reject", at=NOW - 40)
    sheet.records.append(approval)
    assert sheet.ids() == [reject.id]


# One person, one word


@pytest.mark.attack("A12")
@pytest.mark.attack("A80")
def test_one_person_counts_once_whatever_the_roles_and_keys(world: World) -> None:
    world.next_root(lambda p: p["grants"].append(grant("dana", "security")))
    sheet = Sheet(world)
    sheet.add()
    last = sheet.add(role="security", by="dana")
    assert [(f["id"], f["role"]) for f in sheet.facts()] == [(last.id, "security")]


def grant(principal: str, role: str) -> JsonObject:
    return {"principal": principal, "role": role, "agents": ["*"], "environments": ["*"]}


def test_the_last_sequenced_counts_not_the_last_signed(sheet: Sheet) -> None:
    sheet.add(at=NOW - 10)
    last = sheet.add(at=NOW - 20, view=OTHER)
    assert sheet.ids() == [last.id]


def test_other_subjects_or_another_base_are_another_word(sheet: Sheet) -> None:
    records = [sheet.add(), sheet.add(binding_digest=OTHER), sheet.add(base=OTHER), sheet.add(intent=OTHER)]
    assert sheet.ids() == [r.id for r in records]


def test_different_people_count_side_by_side(sheet: Sheet) -> None:
    records = [sheet.add(), sheet.add(role="security"), sheet.add(role="risk-owner")]
    assert [f["principal"] for f in sheet.facts()] == ["dana", "sam", "rita"]
    assert sheet.ids() == [r.id for r in records]


def test_a_reject_after_an_approval_takes_its_place(sheet: Sheet) -> None:
    sheet.add(at=NOW - 20)
    reject = sheet.add("reject", at=NOW - 10)
    assert sheet.ids() == [reject.id]


@pytest.mark.parametrize("base", [BASE, OTHER])
def test_the_same_person_lifts_a_reject_by_approving_the_same(sheet: Sheet, base: Digest) -> None:
    sheet.add("reject", at=NOW - 20, base=base)
    approval = sheet.add(at=NOW - 10)
    assert sheet.ids() == [approval.id]


def test_approving_what_is_promoted_lifts_a_reject_of_an_earlier_version(sheet: Sheet) -> None:
    reject = sheet.add("reject", at=NOW - 20, intent=OTHER)
    assert sheet.ids() == [reject.id]
    approval = sheet.add(at=NOW - 10)
    assert sheet.ids() == [approval.id]


def test_approving_something_third_lifts_nothing(sheet: Sheet) -> None:
    reject = sheet.add("reject", at=NOW - 20)
    third = sheet.add(at=NOW - 10, intent=OTHER)
    assert sheet.ids() == [reject.id, third.id]


def test_somebody_else_does_not_lift_a_reject(sheet: Sheet) -> None:
    reject = sheet.add("reject", at=NOW - 20, role="security")
    approval = sheet.add(at=NOW - 10)
    assert sheet.ids() == [reject.id, approval.id]


@pytest.mark.attack("A83")
@pytest.mark.parametrize("at", [NOW - 21, NOW - 20], ids=["before", "same second"])
def test_an_approval_kept_back_does_not_lift_a_reject(sheet: Sheet, at: int) -> None:
    reject = sheet.add("reject", at=NOW - 20)
    sheet.add(at=at)
    assert sheet.ids() == [reject.id]


@pytest.mark.attack("A83")
def test_an_older_reject_kept_back_does_not_hide_a_newer_one(sheet: Sheet) -> None:
    newer = sheet.add("reject", at=NOW - 20)
    sheet.add("reject", at=NOW - 40)
    sheet.add(at=NOW - 30)
    assert sheet.ids() == [newer.id]


@pytest.mark.attack("A83")
def test_an_approval_sequenced_before_a_reject_does_not_lift_it(sheet: Sheet) -> None:
    sheet.add(at=NOW - 10)
    reject = sheet.add("reject", at=NOW - 20)
    assert sheet.ids() == [reject.id]


WORDS = [
    {"decision": d, "at": NOW - t, "base": b, "intent": i}
    for d, t, b, i in itertools.product(
        ("approve", "reject"), (10, 20), (BASE, OTHER), (World.INTENT, digest("version 2"))
    )
]
RECORDS = [Sheet(World()).add(**w) for w in WORDS]  # type: ignore[arg-type]


@pytest.mark.attack("A12")
@given(order=st.permutations(range(len(RECORDS))), size=st.integers(0, len(RECORDS)))
def test_one_person_never_has_two_approvals_nor_both_words_on_one_thing(order: list[int], size: int) -> None:
    chosen = [RECORDS[i] for i in order[:size]]
    facts = approval_facts(chosen, expected(), NOW)
    places: list[Any] = []
    for fact in facts:
        record = next(r for r in chosen if r.id == fact["id"])
        place = (record.statement.digest_of("behavior.intent"), record.predicate["base"])
        places.append((place, fact["decision"]))
    approved = [p for p, decision in places if decision == "approve"]
    assert len(approved) == len(set(approved))
    assert not set(approved) & {p for p, decision in places if decision == "reject"}
    last = chosen[-1] if chosen else None
    if last is not None and last.predicate["decision"] == "reject" and last.predicate["base"] == BASE:
        assert last.id in {f["id"] for f in facts}


# Authors


def submit(world: World, by: str, label: str, binding: Digest = World.BINDING) -> Record:
    return world.verify(world.submit(by=by, intent=digest(label), binding_digest=binding))


def test_authors_are_everyone_who_submitted_since_the_head(world: World) -> None:
    first, second, third = (submit(world, b, x) for b, x in (("alice", "v1"), ("bob", "v2"), ("bob", "v3")))
    since = submits_since([first, second, third], {first.id}, digest("v3"), World.BINDING)
    assert since == (second, third)
    assert authors_since(since) == (Author("bob", "team:support"),)
    everything = submits_since([first, second, third], (), digest("v3"), World.BINDING)
    assert authors_since(everything) == (Author("alice", "team:support"), Author("bob", "team:support"))


@pytest.mark.attack("A80")
def test_who_submitted_before_the_head_was_promoted_is_an_author_of_what_comes_after_it(world: World) -> None:
    head = submit(world, "bob", "v1")
    early = submit(world, "alice", "v2")
    late = submit(world, "bob", "v2", digest("resolved again"))
    since = submits_since([head, early, late], {head.id}, digest("v2"), digest("resolved again"))
    assert [a.principal for a in authors_since(since)] == ["alice", "bob"]


@pytest.mark.attack("A80")
def test_a_colleagues_submit_of_the_same_does_not_hide_the_author(world: World) -> None:
    mine, same = submit(world, "alice", "v2"), submit(world, "bob", "v2")
    assert [a.principal for a in authors_since(submits_since([mine, same], (), digest("v2"), World.BINDING))] == [
        "alice",
        "bob",
    ]


def test_whoever_submitted_what_is_promoted_is_an_author_however_long_ago(world: World) -> None:
    old, head = submit(world, "alice", "v1"), submit(world, "bob", "v2")
    assert submits_since([old, head], {head.id}, digest("v1"), World.BINDING) == (old,)
    assert submits_since([old, head], {head.id}, digest("v2"), World.BINDING) == (head,)


def test_a_head_whose_submits_no_longer_verify_leaves_nobody_out(world: World) -> None:
    one = submit(world, "alice", "v1")
    assert submits_since([one], {digest("revoked")}, digest("v9"), None) == (one,)


def test_submits_say_which_are_current(world: World) -> None:
    records = [
        submit(world, "alice", "intent"),
        submit(world, "bob", "intent", OTHER),
        submit(world, "bob", "older"),
    ]
    assert submit_facts(records, expected()) == [
        {"id": r.id, "principal": p, "group": "team:support", "current": c}
        for r, p, c in zip(records, ["alice", "bob", "bob"], [True, False, False], strict=True)
    ]
    assert submit_facts(records, expected(agent="other-agent")) == []
