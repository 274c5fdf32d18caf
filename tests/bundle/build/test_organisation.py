from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from policy_tree import organisation_data

from bspec_opa.bundle.build.organisation import load_organisation
from bspec_opa.foundation.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bspec_opa.bundle.read import Bundle

FLOOR = {
    "environment": "production",
    "tier": "high",
    "rules": {
        "environment": "production",
        "path": "",
        "approvals": [],
        "on_expansion": [],
        "separation": [],
        "approval_ttl_seconds": 1,
        "evidence": [],
        "soak_seconds": 0,
        "frozen": False,
        "rollback": [],
    },
}
EMERGENCY = {"environment": "production", "approvals": [{"role": "security", "count": 1}]}
ELEVATED = {"class": "finance", "privilege": "write", "environment": "staging", "role": "security", "count": 1}


def text(data: dict[str, Any]) -> bytes:
    """One member a line, so that lines tell members apart."""
    return ("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in data.items()) + "\n}\n").encode()


def line_of(data: dict[str, Any], key: str) -> int:
    return 2 + list(data).index(key)


@pytest.mark.parametrize("more", [{}, {"waivers": {"max_days": 366, "max_renewals": 0}}])
def test_good_data(bundle: Bundle, more: dict[str, Any]) -> None:
    lists = {"floors": [FLOOR], "elevated": [ELEVATED], "emergency": [EMERGENCY]}
    data = {**organisation_data(), **lists, **more}
    assert load_organisation(text(data), "org.json", bundle.index) == data


CONTROL = {"framework": "SOC2", "id": "CC8.1", "title": "Change management", "rules": ["*"], "evidence": ["ledger"]}
PACK = {"tier": "low", "include": [], "exclude": []}

CASES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a member missing": (lambda d: d.pop("providers"), ""),
    "a member more": (lambda d: d.update(more=1), ""),
    "another type": (lambda d: d.update(providers="acme"), "providers"),
    "an unknown word": (lambda d: d.update(exposure_floor=[{"exposure": "pubic", "tier": "high"}]), "exposure_floor"),
    "an unknown privilege": (lambda d: d.update(forbidden=[{"class": "x", "privilege": "root", "reason": ""}]), "forbidden"),
    "waivers for ever": (lambda d: d.update(waivers={"max_days": 367, "max_renewals": 0}), "waivers"),
    "half of the bounds of waivers": (lambda d: d.update(waivers={"max_days": 90}), "waivers"),
    "too few cases": (lambda d: d.update(min_probe_cases=0), "min_probe_cases"),
    "no environment": (lambda d: d.update(environments=[]), "environments"),
    "all": (lambda d: d["environments"].append({"id": "all", "schemas": []}), "environments"),
    "none": (lambda d: d["environments"].append({"id": "none", "schemas": []}), "environments"),
    "an environment twice": (lambda d: d["environments"].append({"id": "staging", "schemas": []}), "environments"),
    "rules for an environment that is gone": (lambda d: d["environments"].pop(), "environments"),
    "a floor for an unknown environment": (
        lambda d: d.update(floors=[{**FLOOR, "environment": "prod", "rules": {**FLOOR["rules"], "environment": "prod"}}]),  # type: ignore[dict-item]
        "floors",
    ),
    "a floor that contradicts itself": (lambda d: d.update(floors=[{**FLOOR, "environment": "staging"}]), "floors"),
    "an emergency in an unknown environment": (lambda d: d.update(emergency=[{**EMERGENCY, "environment": "x"}]), "emergency"),
    "an emergency that nobody approves": (lambda d: d.update(emergency=[{**EMERGENCY, "approvals": []}]), "emergency"),
    "elevated in an unknown environment": (lambda d: d.update(elevated=[{**ELEVATED, "environment": "test"}]), "elevated"),
    "a proof that does not exist": (lambda d: d.update(controls=[{**CONTROL, "evidence": ["trust me"]}]), "controls"),
    "a control without a title": (lambda d: d.update(controls=[{**CONTROL, "title": ""}]), "controls"),
    "two packs for a tier": (lambda d: d["select"].update(tiers=[PACK, PACK]), "select"),
    "a pack for a tier that is none": (lambda d: d["select"].update(tiers=[{**PACK, "tier": "lowest"}]), "select"),
    "no word about packs": (lambda d: d["select"].pop("tiers"), "select"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_wrong_data(name: str, bundle: Bundle) -> None:
    change, key = CASES[name]
    data = organisation_data()
    change(data)
    with pytest.raises(InvalidInputError) as error:
        load_organisation(text(data), "org.json", bundle.index)
    assert [p.reason.code for p in error.value.problems] == ["bundle.organisation-data"]
    place = error.value.problems[0].location
    assert place is not None
    assert (place.file, place.line) == ("org.json", line_of(data, key) if key else 1)


@pytest.mark.parametrize(
    ("select", "code"),
    [
        ({"include": ["*"], "exclude": ["@tool"], "tiers": []}, "bundle.bad-selection"),
        ({"include": ["@tools"], "exclude": ["@tools"], "tiers": []}, "bundle.bad-selection"),
        (
            {"include": ["*"], "exclude": [], "tiers": [{"tier": "low", "include": ["@tool"], "exclude": []}]},
            "bundle.bad-selection",
        ),
        (
            {"include": ["*"], "exclude": [], "tiers": [{"tier": "low", "include": [], "exclude": ["@tools"]}]},
            "bundle.tier-guard",
        ),
        ({"include": ["promotion.production.carried"], "exclude": [], "tiers": []}, "bundle.bad-selection"),
    ],
)
def test_selectors(select: dict[str, Any], code: str, bundle: Bundle) -> None:
    data = {**organisation_data(), "select": select}
    if select["include"] == ["promotion.production.carried"]:
        assert load_organisation(text(data), "org.json", bundle.index) == data
        return
    with pytest.raises(InvalidInputError) as error:
        load_organisation(text(data), "org.json", bundle.index)
    assert error.value.code == code


def test_duplicate_keys_are_refused_before_anything_else(bundle: Bundle) -> None:
    with pytest.raises(InvalidInputError) as error:
        load_organisation(b'{"name": "a", "name": "b"}', "org.json", bundle.index)
    assert error.value.code.startswith("document.")


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ([{**CONTROL, "rules": ["@tool"]}], 'SOC2:CC8.1: the selector "@tool" names no rule'),
        ([{**CONTROL, "rules": ["*", "framework:SOC3"]}], 'SOC2:CC8.1: the selector "framework:SOC3" names no rule'),
        ([CONTROL, {**CONTROL, "rules": []}], "the control SOC2:CC8.1 is there twice"),
    ],
)
def test_wrong_controls(controls: list[dict[str, Any]], message: str, bundle: Bundle) -> None:
    data = {**organisation_data(), "controls": controls}
    with pytest.raises(InvalidInputError) as error:
        load_organisation(text(data), "org.json", bundle.index)
    (problem,) = error.value.problems
    assert (problem.reason.code, problem.message) == ("bundle.bad-control", message)
    assert problem.location is not None
    assert problem.location.line == line_of(data, "controls")


def test_a_control_that_no_rule_covers_may_say_so(bundle: Bundle) -> None:
    data = {**organisation_data(), "controls": [{**CONTROL, "rules": []}]}
    assert load_organisation(text(data), "org.json", bundle.index) == data
