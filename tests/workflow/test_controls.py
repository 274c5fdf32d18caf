"""A control is met only by proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from bspec_opa.bundle.contract.definitions import ACTIONS, WRITING_ACTIONS
from bspec_opa.bundle.index import Index, RuleEntry
from bspec_opa.foundation.digest import ZERO_DIGEST
from bspec_opa.report.decision.controls import controls_markdown
from bspec_opa.workflow.facts.controls import LINE, Decided, judge_controls
from bspec_opa.workflow.facts.evaluation import BundleRef
from bspec_opa.workflow.facts.proof import Approved, Proof, proof_of

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject


def entry(rule_id: str, *collections: str) -> RuleEntry:
    kind, group, _ = rule_id.split(".")
    return RuleEntry(
        id=rule_id, owner="o", kind=kind, group=group, title="t", description="d", code="C-1", severity="high", remediation="r",
        controls=("SOC2:CC8.1",), collections=collections, waivable=True, pending="", actions=ACTIONS if kind == "global" else WRITING_ACTIONS, effective_unix=0,
        digest=ZERO_DIGEST, has_deny=True, has_warn=False,
    )  # fmt: skip


A, B, C = "global.tools.a", "promotion.all.b", "promotion.production.c"
INDEX = Index((entry(A, "tools"), entry(B, "promotion"), entry(C, "promotion")))
NOTHING = Proof("sha256:i", "", (), ())
EVERYTHING = Proof("sha256:i", "sha256:b", (Approved("sha256:a", "person:dana", "environment-admin"),), ("sha256:e",))


def mapped(*controls: dict[str, Any]) -> JsonObject:
    return cast("JsonObject", {"controls": list(controls)})


EVERY_KIND = ["approvals", "evaluations", "binding", "ledger"]


def decided(
    rules: dict[str, str], proof: Proof = EVERYTHING, *, entry: int = 7, environment: str = "staging"
) -> Decided:
    return Decided(
        "behavior.lock line 1", "billing-support", environment, "allowed", "2026-06-01T12:00:00Z", entry, "sha256:l",
        LINE, False, BundleRef("default", "sha256:r", ZERO_DIGEST), rules, proof,
    )  # fmt: skip


def control(rules: list[str], evidence: list[str], title: str = "Change management") -> dict[str, Any]:
    return {"framework": "SOC2", "id": "CC8.1", "title": title, "rules": rules, "evidence": evidence}


@pytest.mark.parametrize(
    ("selectors", "answers", "want"),
    [
        (["*"], {A: "pass", B: "pass"}, "met"),
        (["framework:SOC2"], {A: "pass", B: "pass"}, "met"),
        (["@tools"], {A: "pass", B: "deny"}, "met"),
        (["*"], {A: "pass", B: "waived"}, "waived"),
        (["*"], {A: "warn", B: "waived"}, "warned"),
        (["*"], {A: "pending", B: "warn"}, "pending"),
        (["*"], {A: "pending", B: "deny"}, "not-met"),
        (["*"], {A: "pass"}, "not-evaluated"),
        (["*"], {A: "warn"}, "not-evaluated"),
        (["*"], {B: "deny"}, "not-met"),
        (["*"], {B: "pending"}, "pending"),
        ([A, B], {}, "not-evaluated"),
        ([C], {A: "pass", B: "pass"}, "not-evaluated"),
        ([], {A: "pass", B: "pass"}, "no-rule"),
    ],
)
def test_states(selectors: list[str], answers: dict[str, str], want: str) -> None:
    found = judge_controls(decided(answers), INDEX, mapped(control(selectors, [])))
    assert [c.state for c in found.controls] == [want]


def test_another_environments_rule_does_not_count_here() -> None:
    here = judge_controls(decided({A: "pass", B: "pass"}), INDEX, mapped(control(["*"], [])))
    there = judge_controls(decided({A: "pass", B: "pass"}, environment="production"), INDEX, mapped(control(["*"], [])))
    assert [c.rules for c in here.controls] == [((A, "pass"), (B, "pass"))]
    assert [(c.state, c.rules) for c in there.controls] == [
        ("not-evaluated", ((A, "pass"), (B, "pass"), (C, "not-run"))),
    ]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("approvals", "no approval of exactly this"),
        ("evaluations", "no evaluation run"),
        ("binding", "no binding to exact artifacts"),
        ("ledger", "no ledger entry: nothing was promoted"),
    ],
)
def test_rules_that_passed_are_not_enough_where_a_control_asks_for_more(kind: str, text: str) -> None:
    data = mapped(control(["*"], [kind]))
    rules = {A: "pass", B: "waived"}
    (without,) = judge_controls(decided(rules, NOTHING, entry=-1), INDEX, data).controls
    (there,) = judge_controls(decided(rules), INDEX, data).controls
    (refused,) = judge_controls(decided({A: "deny", B: "pass"}), INDEX, data).controls
    assert (without.state, without.lacking) == ("not-met", (text,))
    assert (there.state, there.lacking) == ("waived", ())
    assert (refused.state, refused.lacking) == ("not-met", ())


def test_what_is_lacking_does_not_hide_what_did_not_run() -> None:
    data = mapped(control(["*"], EVERY_KIND))
    (found,) = judge_controls(decided({A: "pass"}, NOTHING, entry=-1), INDEX, data).controls
    assert (found.state, len(found.lacking)) == ("not-evaluated", 4)


def test_only_one_framework() -> None:
    other = {**control(["*"], []), "framework": "ISO27001", "id": "8.32"}
    data = mapped(control(["*"], []), other)
    found = judge_controls(decided({A: "pass", B: "pass"}), INDEX, data, "ISO27001")
    assert [(c.framework, c.id) for c in found.controls] == [("ISO27001", "8.32")]


@pytest.mark.attack("A73")
def test_text_of_others_opens_nothing_in_markdown() -> None:
    title = "a | b\n| x <script> [l](http://e) `c` &lt; *"
    judged = judge_controls(decided({A: "pass", B: "pass"}), INDEX, mapped(control(["*"], [], title)))
    matrix = controls_markdown([judged], ["<b>note</b> | `x`"])
    (row,) = [line for line in matrix.splitlines() if line.startswith("| SOC2")]
    assert row.replace("\\|", "").count("|") == 6
    assert "<script>" not in matrix
    assert "<b>" not in matrix
    assert "\\[l\\]\\(http://e\\) \\`c\\` &amp;lt; \\*" in row


def test_which_approvals_count_as_proof() -> None:
    binds = {
        "intent": True,
        "binding": True,
        "base": True,
        "source": True,
        "evidence": True,
        "change": True,
        "view": True,
    }

    def approval(number: int, **changes: Any) -> dict[str, Any]:
        return {
            "id": f"sha256:{number}", "principal": "person:dana", "role": "security", "decision": "approve",
            "expires_unix": 101, "binds": binds, **changes,
        }  # fmt: skip

    request: dict[str, Any] = {
        "intent": {"digest": "sha256:i"},
        "binding": [{"digest": "sha256:b"}],
        "now_unix": 100,
        "waivers": [{"id": "sha256:7"}, {"id": "sha256:6"}, {"id": "sha256:7"}],
        "evidence": [{"runs": ["sha256:2", "sha256:1"]}, {"runs": ["sha256:1"]}],
        "approvals": [
            approval(1),
            approval(2, decision="reject"),
            approval(3, expires_unix=100),
            *(approval(4, binds={**binds, name: False}) for name in binds),
        ],
    }
    assert proof_of(request) == Proof(
        "sha256:i",
        "sha256:b",
        (Approved("sha256:1", "person:dana", "security"),),
        ("sha256:1", "sha256:2"),
        ("sha256:6", "sha256:7"),
    )
    assert proof_of({**request, "binding": []}).binding == ""
