"""The verdict reads exactly decisions, and no single mutation of an answer turns a deny into an allow."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bspec_opa.foundation.errors import BspecError, EngineError, ExitCode, TrustError
from bspec_opa.gate.decision import Decision
from bspec_opa.gate.verdict import Expectation, RuleFacts, judge

NONCE, REVISION, DATA = "ab" * 32, "sha256:" + "1" * 64, "sha256:" + "2" * 64
WAIVER, OTHER = "sha256:" + "9" * 64, "sha256:" + "8" * 64

RULES = {
    "global.tools.no_admin": RuleFacts("high", waivable=True, pending=""),
    "global.tools.unbounded_range": RuleFacts("low", waivable=True, pending=""),
    "promotion.all.approvals": RuleFacts("critical", waivable=False, pending="approval"),
}
EXPECTED = Expectation(
    nonce=NONCE,
    revision=REVISION,
    data_digest=DATA,
    global_rules=frozenset(r for r in RULES if r.startswith("global")),
    promotion_rules=frozenset(r for r in RULES if r.startswith("promotion")),
    rules=RULES,
    waivers=frozenset(
        {
            (WAIVER, "global.tools.no_admin", "/tools/0", "tool t is admin"),
            (OTHER, "global.tools.no_admin", "/tools/9", "tool t is admin"),
        }
    ),
)


def answer(rule: str, **members: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"deny": [], "pending": [], "warn": [], "waived": [], "waivers": []} | members
    status = next((s for s in ("deny", "warn", "waived") if base[s]), "pass")
    return {"status": status, "severity": RULES[rule].severity} | base


def decision(**answers: dict[str, Any]) -> dict[str, Any]:
    every = {r: answer(r) for r in RULES} | {k.replace("__", "."): v for k, v in answers.items()}
    return {
        "contract": "bspec.decision/v1",
        "nonce": NONCE,
        "revision": REVISION,
        "data_digest": DATA,
        "global": {r: a for r, a in every.items() if r.startswith("global")},
        "promotion": {r: a for r, a in every.items() if r.startswith("promotion")},
    }


FINDING = {"msg": "tool t is admin", "path": "/tools/0"}
NEEDED = {"msg": "security: 0 of 1", "path": "", "needs": {"kind": "approval", "role": "security", "count": 1}}
WARNING = {"msg": "no upper bound", "path": "/tools/0/version"}

ALLOW = decision(global__tools__unbounded_range=answer("global.tools.unbounded_range", warn=[WARNING]))
DENY = decision(global__tools__no_admin=answer("global.tools.no_admin", deny=[FINDING]))
PENDING = decision(promotion__all__approvals=answer("promotion.all.approvals", deny=[NEEDED], pending=[NEEDED]))


def judged(document: object) -> Decision:
    return judge(document, EXPECTED)  # type: ignore[arg-type]


def test_genuine_answers_keep_their_meaning() -> None:
    assert judged(ALLOW).allowed
    assert judged(ALLOW).exit_code == ExitCode.OK
    assert [r.id for r in judged(ALLOW).warned] == ["global.tools.unbounded_range"]
    assert judged(DENY).exit_code == ExitCode.DENIED
    assert [r.id for r in judged(DENY).denied] == ["global.tools.no_admin"]
    assert judged(PENDING).exit_code == ExitCode.PENDING
    assert judged(PENDING).denied == ()
    found = judged(PENDING).pending[0].pending[0].needs
    assert found is not None
    assert (found.kind, found.role, found.count) == ("approval", "security", 1)
    assert not judged(PENDING).allowed


def test_waived_with_a_verified_waiver_allows() -> None:
    waived = answer("global.tools.no_admin", waived=[FINDING], waivers=[WAIVER])
    result = judged(decision(global__tools__no_admin=waived))
    assert result.allowed
    assert result.statuses()["global.tools.no_admin"] == "waived"


REFUSED: dict[str, tuple[str, Any]] = {
    "not an object": ("gate.unusable-answer", []),
    "null": ("gate.unusable-answer", None),
    "true": ("gate.unusable-answer", True),
    "empty object": ("gate.unusable-answer", {}),
    "extra member": ("gate.unusable-answer", ALLOW | {"allow": True}),
    "other contract": ("gate.unusable-answer", ALLOW | {"contract": "bspec.decision/v2"}),
    "other nonce": ("gate.unusable-answer", ALLOW | {"nonce": "0" * 64}),
    "rules not an object": ("gate.unusable-answer", ALLOW | {"global": []}),
    "malformed finding": (
        "gate.unusable-answer",
        decision(global__tools__no_admin=answer("global.tools.no_admin", deny=["oops"])),
    ),
    "unknown status": (
        "gate.unusable-answer",
        decision(global__tools__no_admin=answer("global.tools.no_admin") | {"status": "allow"}),
    ),
    "missing rule": ("gate.rule-set", ALLOW | {"promotion": {}}),
    "extra rule": (
        "gate.rule-set",
        ALLOW | {"promotion": ALLOW["promotion"] | {"promotion.all.x": answer("promotion.all.approvals")}},
    ),
    "pass with denials": (
        "gate.contradiction",
        decision(global__tools__no_admin=answer("global.tools.no_admin", deny=[FINDING]) | {"status": "pass"}),
    ),
    "deny without denials": (
        "gate.contradiction",
        decision(global__tools__no_admin=answer("global.tools.no_admin") | {"status": "deny"}),
    ),
    "other severity": (
        "gate.contradiction",
        decision(global__tools__no_admin=answer("global.tools.no_admin") | {"severity": "low"}),
    ),
    "pending not among the denials": (
        "gate.contradiction",
        decision(promotion__all__approvals=answer("promotion.all.approvals", deny=[FINDING], pending=[NEEDED])),
    ),
    "needs what METADATA does not announce": (
        "gate.contradiction",
        decision(global__tools__no_admin=answer("global.tools.no_admin", deny=[NEEDED])),
    ),
    "explained denial not listed as pending": (
        "gate.contradiction",
        decision(promotion__all__approvals=answer("promotion.all.approvals", deny=[NEEDED])),
    ),
    "same finding twice": (
        "gate.contradiction",
        decision(global__tools__no_admin=answer("global.tools.no_admin", deny=[FINDING, FINDING])),
    ),
    "waived without a waiver": (
        "gate.contradiction",
        decision(global__tools__no_admin=answer("global.tools.no_admin", waived=[FINDING])),
    ),
    "waived by an unknown waiver": (
        "gate.contradiction",
        decision(global__tools__no_admin=answer("global.tools.no_admin", waived=[FINDING], waivers=["x"])),
    ),
    "waiver that waives nothing": (
        "gate.contradiction",
        decision(global__tools__no_admin=answer("global.tools.no_admin", waivers=[WAIVER])),
    ),
    "waived by a verified waiver of another finding": (
        "gate.contradiction",
        decision(
            global__tools__no_admin=answer(
                "global.tools.no_admin", waived=[FINDING | {"path": "/tools/1"}], waivers=[WAIVER]
            )
        ),
    ),
    "one more waived than a verified waiver names": (
        "gate.contradiction",
        decision(
            global__tools__no_admin=answer(
                "global.tools.no_admin", waived=[FINDING, FINDING | {"msg": "and more"}], waivers=[WAIVER]
            )
        ),
    ),
    "waived by a verified waiver of another rule": (
        "gate.contradiction",
        decision(
            global__tools__unbounded_range=answer("global.tools.unbounded_range", waived=[FINDING], waivers=[WAIVER])
        ),
    ),
    "waived by a verified waiver and by one that names nothing of it": (
        "gate.contradiction",
        decision(global__tools__no_admin=answer("global.tools.no_admin", waived=[FINDING], waivers=[WAIVER, OTHER])),
    ),
    "waived although not waivable": (
        "gate.contradiction",
        decision(promotion__all__approvals=answer("promotion.all.approvals", waived=[FINDING], waivers=[WAIVER])),
    ),
}


@pytest.mark.attack("A21")
@pytest.mark.attack("A22")
@pytest.mark.attack("A79")
@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_exit_8(case: str) -> None:
    code, document = REFUSED[case]
    with pytest.raises(EngineError) as caught:
        judged(document)
    assert caught.value.code == code
    assert caught.value.exit_code == ExitCode.ENGINE


@pytest.mark.attack("A27")
@pytest.mark.parametrize("member", ["revision", "data_digest"])
def test_stale_bundle_is_a_trust_failure(member: str) -> None:
    with pytest.raises(TrustError) as caught:
        judged(ALLOW | {member: "sha256:" + "3" * 64})
    assert caught.value.code == "gate.stale-revision"


@pytest.mark.attack("A41")
def test_no_rule_at_all_is_no_decision() -> None:
    nothing = Expectation(NONCE, REVISION, DATA, frozenset(), frozenset(), {})
    with pytest.raises(EngineError) as caught:
        judge(ALLOW | {"global": {}, "promotion": {}}, nothing)
    assert caught.value.code == "gate.rule-set"
    assert not Decision(()).allowed
    assert Decision(()).exit_code == ExitCode.DENIED


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at]
    if isinstance(value, dict):
        for key in value:
            found += paths(value[key], (*at, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            found += paths(value[index], (*at, index))
    return found


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from(["", "pass", "warn", "deny", "waived", "allow", NONCE, REVISION, DATA, WAIVER, "low", "approval"]),
    st.sampled_from([[], {}, [{}], [None], [FINDING], [NEEDED], [WARNING], [WAIVER], {"a": 1}]),
)


@st.composite
def mutations(draw: st.DrawFn, original: dict[str, Any]) -> Any:
    """One place replaced, removed, or given an extra member."""
    document = copy.deepcopy(original)
    path = draw(st.sampled_from(paths(document)))
    if not path:
        return draw(VALUES)
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    operation = draw(st.sampled_from(["replace", "remove", "add", "duplicate"]))
    if operation == "remove":
        del parent[path[-1]]
    elif operation == "add" and isinstance(parent, dict):
        parent[draw(st.sampled_from(["x", "allow", "status", "global.tools.x"]))] = draw(VALUES)
    elif operation == "duplicate" and isinstance(parent, list):
        parent.append(parent[path[-1]])
    else:
        parent[path[-1]] = draw(VALUES)
    return document


def allows(document: object) -> Decision | None:
    try:
        result = judged(document)
    except BspecError:
        return None
    return result if result.allowed else None


# A lie that replaces a rule's whole answer by a consistent other one is no mutation but another answer: nothing in
# it contradicts itself. The cross-check with the embedded engine is what catches that (attack A86).
@pytest.mark.attack("A22")
@given(mutations(DENY) | mutations(PENDING))
def test_no_mutation_of_a_deny_allows(document: Any) -> None:
    assert allows(document) is None


@pytest.mark.attack("A22")
@given(mutations(ALLOW))
def test_a_mutated_allow_still_allows_only_with_the_same_meaning(document: Any) -> None:
    result = allows(document)
    if result is not None:
        statuses = result.statuses() | {"global.tools.unbounded_range": "warn"}
        assert statuses == judged(ALLOW).statuses()
