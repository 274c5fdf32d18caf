from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from policy_tree import organisation_data

from bspec_opa.bundle.contract.definitions import ACTIONS, WRITING_ACTIONS
from bspec_opa.bundle.index import Index, RuleEntry, expected_rules, index_from_json
from bspec_opa.foundation.digest import ZERO_DIGEST
from bspec_opa.foundation.errors import InvalidInputError

if TYPE_CHECKING:
    from bspec_opa.bundle.read import Bundle


def entry(rule_id: str, *collections: str) -> RuleEntry:
    kind, group, _ = rule_id.split(".")
    return RuleEntry(
        id=rule_id, owner="o", kind=kind, group=group, title="t", description="d", code="C-1", severity="high", remediation="r",
        controls=("a",), collections=collections, waivable=True, pending="", actions=ACTIONS if kind == "global" else WRITING_ACTIONS, effective_unix=0, digest=ZERO_DIGEST,
        has_deny=True, has_warn=False,
    )  # fmt: skip


INDEX = Index(
    (
        entry("global.data.x", "data"),
        entry("global.tools.x", "tools", "core"),
        entry("promotion.all.y", "promotion", "core"),
        entry("promotion.production.z", "promotion"),
        entry("promotion.staging.z", "promotion"),
    )
)
ONE_ACTION = replace(entry("promotion.all.y", "promotion"), actions=("rollback",))


def organisation(include: list[str], exclude: list[str], tiers: list[Any] | None = None) -> dict[str, Any]:
    return {**organisation_data(), "select": {"include": include, "exclude": exclude, "tiers": tiers or []}}


@pytest.mark.parametrize(
    ("include", "exclude", "environment", "action", "want"),
    [
        (
            ["*"],
            [],
            "staging",
            "promote",
            {"global.data.x", "global.tools.x", "promotion.all.y", "promotion.staging.z"},
        ),
        (
            ["*"],
            [],
            "production",
            "rollback",
            {"global.data.x", "global.tools.x", "promotion.all.y", "promotion.production.z"},
        ),
        (["*"], [], "none", "check", {"global.data.x", "global.tools.x"}),
        (["*"], ["@promotion"], "staging", "promote", {"global.data.x", "global.tools.x"}),
        (["@core"], [], "staging", "promote", {"global.tools.x", "promotion.all.y"}),
        (
            ["@core", "promotion.staging.z"],
            ["global.tools.x"],
            "staging",
            "promote",
            {"promotion.all.y", "promotion.staging.z"},
        ),
    ],
)
def test_expected_rules(include: list[str], exclude: list[str], environment: str, action: str, want: set[str]) -> None:
    every, promotion = expected_rules(INDEX, organisation(include, exclude), environment, action, "low")
    assert every | promotion == want
    assert {i.partition(".")[0] for i in every} <= {"global"}
    assert {i.partition(".")[0] for i in promotion} <= {"promotion"}


@pytest.mark.parametrize(("action", "runs"), [("promote", False), ("rollback", True), ("check", False)])
def test_a_rule_for_one_action(action: str, runs: bool) -> None:
    """What else ends in a line is judged without it, so there has to be another rule."""
    index = Index((entry("global.data.x", "data"), ONE_ACTION))
    _, promotion = expected_rules(index, organisation(["*"], []), "staging", action, "low")
    assert promotion == ({"promotion.all.y"} if runs else set())


@pytest.mark.parametrize("environment", ["prodution", "all", "none", ""])
def test_an_unknown_environment(environment: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        expected_rules(INDEX, organisation(["*"], []), environment, "promote", "low")
    assert error.value.code == "bundle.unknown-environment"


def test_all_is_no_environment_even_if_the_data_says_so() -> None:
    data = {**organisation(["*"], []), "environments": [{"id": "all", "schemas": []}]}
    with pytest.raises(InvalidInputError) as error:
        expected_rules(INDEX, data, "all", "promote", "low")
    assert error.value.code == "bundle.unknown-environment"


@pytest.mark.parametrize(
    ("include", "exclude"),
    [(["@tolls"], []), (["*", "tools"], []), (["*"], ["global.tools.w"]), (["*"], ["**"]), (["@"], [])],
)
def test_a_selector_that_names_nothing(include: list[str], exclude: list[str]) -> None:
    with pytest.raises(InvalidInputError) as error:
        expected_rules(INDEX, organisation(include, exclude), "staging", "promote", "low")
    assert error.value.code == "bundle.bad-selection"


@pytest.mark.attack("A41")
def test_no_rule_left() -> None:
    with pytest.raises(InvalidInputError) as error:
        expected_rules(INDEX, organisation(["*"], ["*"]), "staging", "promote", "low")
    assert error.value.code == "bundle.bad-selection"


def test_lookups() -> None:
    assert INDEX.environments == ("production", "staging")
    assert INDEX.rule("global.data.x") == INDEX.rules[0]
    assert INDEX.rule("global.data.w") is None
    assert [r.id for r in INDEX.of_kind("promotion", "all")] == ["promotion.all.y"]
    assert INDEX.rules[0].path == "bspec/rules/global/data/x/x.rego"


def test_json_round_trip(bundle: Bundle) -> None:
    assert index_from_json(INDEX.to_json()) == INDEX
    assert index_from_json(bundle.index.to_json()) == bundle.index


def test_the_entries_of_the_good_tree(bundle: Bundle) -> None:
    carried = bundle.index.rule("promotion.production.carried")
    requested = bundle.index.rule("promotion.all.requested")
    unbounded = bundle.index.rule("global.tools.unbounded")
    assert carried is not None
    assert requested is not None
    assert unbounded is not None
    assert (carried.kind, carried.group, carried.code, carried.effective_unix) == (
        "promotion",
        "production",
        "P17",
        1780272000,
    )
    assert (requested.pending, requested.effective_unix, requested.has_deny, requested.has_warn) == (
        "request",
        0,
        True,
        False,
    )
    assert (unbounded.has_deny, unbounded.has_warn, unbounded.controls) == (False, True, ("SOC2:CC8.1",))
