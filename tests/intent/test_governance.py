from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from intents import Json, edited, example, intents, loaded

from bspec_opa.foundation.limits import UNLIMITED
from bspec_opa.intent.governance import seconds, weakened
from bspec_opa.intent.load import read_model


def items(old: Json, new: Json) -> list[tuple[str, str]]:
    found = weakened(read_model(old), read_model(new), new)
    assert {item.verdict for item in found} <= {"governance"}
    return [(item.path, item.what) for item in found]


def production(document: Json) -> Any:
    return document["promotion"]["production"]


def boundary(document: Json) -> Any:
    return production(document)["evidence"][0]


AT = "/promotion/production"
EVIDENCE = [(f"{AT}/evidence", "production: evidence for boundary by red-team weakened or dropped")]

WEAKER: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "another agent": (
        lambda d: d["metadata"].update(id="other"),
        [("/metadata/id", "agent billing-support becomes other")],
    ),
    "another owner": (
        lambda d: d["metadata"].update(owner="team:other"),
        [("/metadata/owner", "owner team:support becomes team:other")],
    ),
    "a lower tier": (
        lambda d: d["risk"].update(tier="low"),
        [("/risk/tier", "risk tier lowered from high to low")],
    ),
    "another exposure": (
        lambda d: d["risk"].update(exposure="public"),
        [("/risk/exposure", "exposure customer becomes public")],
    ),
    "an environment without rules": (
        lambda d: d["promotion"].pop("production"),
        [("/promotion", "promotion rules of production removed")],
    ),
    "a role less": (
        lambda d: production(d)["approvals"].pop(),
        [(f"{AT}/approvals", "production: approvals: role security goes from 1 to 0")],
    ),
    "no approval on expansion": (
        lambda d: production(d).pop("on_expansion"),
        [(AT, "production: on_expansion: role risk-owner goes from 1 to 0")],
    ),
    "a separation less": (
        lambda d: production(d)["separation"].remove("promoter"),
        [(f"{AT}/separation", "production: promoter may approve")],
    ),
    "approvals that hold longer": (
        lambda d: production(d).update(approval_ttl="P8D"),
        [(f"{AT}/approval_ttl", "production: approvals hold P8D instead of P7D")],
    ),
    "approvals that hold for ever": (
        lambda d: production(d).pop("approval_ttl"),
        [(AT, "production: approvals hold for ever instead of P7D")],
    ),
    "a shorter soak": (
        lambda d: production(d)["soak"].update(duration="PT71H"),
        [(f"{AT}/soak/duration", "production: soak shortened")],
    ),
    "no soak": (lambda d: production(d).pop("soak"), [(AT, "production: soak shortened")]),
    "no freeze": (
        lambda d: production(d).pop("freeze"),
        [(AT, "production: freeze from 2026-12-20T00:00:00Z to 2027-01-03T00:00:00Z lifted or shortened")],
    ),
    "a shorter freeze": (
        lambda d: production(d)["freeze"][0].update(to="2027-01-02T00:00:00Z"),
        [(f"{AT}/freeze", "production: freeze from 2026-12-20T00:00:00Z to 2027-01-03T00:00:00Z lifted or shortened")],
    ),
    "a rollback with fewer approvals": (
        lambda d: production(d).update(rollback={"approvals": [{"role": "environment-admin", "count": 1}]}),
        [(f"{AT}/rollback/approvals", "production: rollback approvals: role security goes from 1 to 0")],
    ),
    "fewer cases": (lambda d: boundary(d).update(min_cases=199), EVIDENCE),
    "more attacks that succeed": (lambda d: boundary(d).update(max_asr_bp=101), EVIDENCE),
    "evidence that need not be independent": (lambda d: boundary(d).pop("independent"), EVIDENCE),
    "older evidence": (lambda d: boundary(d).update(max_age="P31D"), EVIDENCE),
    "evidence of any age": (lambda d: boundary(d).pop("max_age"), EVIDENCE),
    "another method": (lambda d: boundary(d).update(method="manual"), EVIDENCE),
    "another kind of threshold": (
        lambda d: (boundary(d).pop("max_asr_bp"), boundary(d).update(min_pass_bp=9999)),
        EVIDENCE,
    ),
    "a lower pass rate": (
        lambda d: d["promotion"]["staging"]["evidence"][0].update(min_pass_bp=9799),
        [("/promotion/staging/evidence", "staging: evidence for boundary by functional weakened or dropped")],
    ),
}


@pytest.mark.parametrize("name", WEAKER)
def test_weaker_rules_are_governance(name: str) -> None:
    edit, expected = WEAKER[name]
    assert items(example(), edited(edit)) == expected


@pytest.mark.parametrize("name", [n for n in WEAKER if not n.startswith("another")])
def test_the_way_back_is_stricter_and_no_governance(name: str) -> None:
    edit, _ = WEAKER[name]
    back = items(edited(edit), example())
    ages = [("/promotion/production", "production: rollback: lock lines may be used for ever instead of P1D")]
    assert back in ([], ages)


STRICTER: dict[str, Any] = {
    "a higher confidence": lambda d: boundary(d).update(confidence_bp=9000),
    "a longer freeze": lambda d: production(d)["freeze"][0].update(to="2027-02-01T00:00:00Z"),
    "one more requirement": lambda d: production(d)["evidence"].append(boundary(d) | {"method": "manual"}),
    "one more environment": lambda d: d["promotion"].update(canary=d["promotion"]["staging"]),
    "a younger lock for rollbacks": lambda d: production(d).update(
        rollback={"approvals": production(d)["approvals"], "max_lock_age": "P1D"}
    ),
    "a stricter regime": lambda d: d["risk"].update(regimes=["gdpr"]),
    "labels": lambda d: d["metadata"].update(labels={"a": "b"}, version="1.0.1"),
    "less capability": lambda d: d.update(tools=[]),
}


@pytest.mark.parametrize("name", STRICTER)
def test_stricter_rules_are_no_governance(name: str) -> None:
    assert items(example(), edited(STRICTER[name])) == []


def test_a_lower_confidence_is_governance() -> None:
    old = edited(lambda d: boundary(d).update(confidence_bp=9500))
    assert items(old, edited(lambda d: boundary(d).update(confidence_bp=9000))) == EVIDENCE


def test_a_regime_dropped_is_governance() -> None:
    old = edited(lambda d: d["risk"].update(regimes=["gdpr", "eu-ai-act"]))
    new = edited(lambda d: d["risk"].update(regimes=["eu-ai-act"]))
    assert items(old, new) == [("/risk/regimes", "regime gdpr removed")]


def test_rollback_rules_against_rollback_rules() -> None:
    def rules(count: int, age: str) -> Json:
        rollback = {"approvals": [{"role": "security", "count": count}], "max_lock_age": age}
        return edited(lambda d: production(d).update(rollback=rollback))

    assert items(rules(1, "P1D"), rules(2, "PT1H")) == []
    assert items(rules(2, "P1D"), rules(1, "P2D")) == [
        (f"{AT}/rollback/approvals", "production: rollback approvals: role security goes from 2 to 1"),
        (f"{AT}/rollback/max_lock_age", "production: rollback: lock lines may be used P2D instead of P1D"),
    ]


@given(intents())
@settings(max_examples=20)
def test_nothing_is_weaker_than_itself(document: Json) -> None:
    assert items(document, document) == []


def test_seconds() -> None:
    assert (seconds(None), seconds("P2D"), seconds("PT2H")) == (UNLIMITED, 172_800, 7_200)


def test_items_are_the_same_through_the_loader() -> None:
    old, new = loaded(example()), loaded(edited(WEAKER["no soak"][0]))
    assert [(i.path, i.what) for i in weakened(old.intent, new.intent, new.authored)] == WEAKER["no soak"][1]
