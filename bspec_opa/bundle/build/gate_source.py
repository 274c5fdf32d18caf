"""Writes the package ``bspec.gate``: the one decision, naming every rule directly.

A rule that is gone or undefined makes the whole decision undefined, which denies; a walk over ``data.bspec.rules``
would go on without it. The text depends on the rules alone, never on an organisation's data: the compiled policy is
the same for two organisations with the same rules.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from bspec_opa.bundle.contract.decision import DECISION_CONTRACT
from bspec_opa.bundle.contract.organisation import organisation_schema
from bspec_opa.bundle.index import EVERYWHERE, GLOBAL, PROMOTION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.bundle.index import Index, RuleEntry
    from bspec_opa.foundation.canonical import JsonValue

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

_HEAD = f"""\
# METADATA
# title: The gate
# description: |
#   Generated from the METADATA of the rules; not to be edited. An input of another shape, a missing rule, a missing
#   organisation key, an unknown environment or a selector that selects nothing makes the decision undefined.
package bspec.gate

import data.bspec.gate.shape
import data.bspec.lib.gate
import data.bspec.lib.select

decision := {{
	"contract": "{DECISION_CONTRACT}",
	"nonce": input.nonce,
	"revision": data.bspec.build.revision,
	"data_digest": data.bspec.build.data_digest,
	"global": object.filter(global, chosen),
	"promotion": object.filter(promotion, chosen & acting),
}} if {{
	shape.is_input(input)
	organisation
	select.unmatched(index) == set()
	chosen != set()
	select.guarded(index)
	known_environment
}}

chosen := select.chosen(index)

# a promotion rule may be for promotions or for rollbacks alone
acting contains id if {{
	some id, rule in index
	input.action in rule.actions
}}

known_environment if input.action == "check"

known_environment if {{
	input.environment != "all"
	input.environment in {{e.id | some e in data.bspec.org.environments}}
}}
"""

_PROMOTION = """\
promotion := {} if input.action == "check"

promotion := object.union(everywhere, here) if input.action != "check"
"""


def gate_source(index: Index) -> str:
    """The text of ``bspec/gate/gate.rego``, in the form of ``opa fmt``."""
    own = [
        _table("here", index.of_kind(PROMOTION, e), f" if input.environment == {_text(e)}") for e in index.environments
    ]
    parts = [
        _HEAD,
        _object("index", ((r.id, _literal(r.facts())) for r in index.rules)),
        _object("organisation", ((k, f"data.bspec.org.{k}") for k in _organisation_keys())),
        _table("global", index.of_kind(GLOBAL)),
        _PROMOTION,
        _table("everywhere", index.of_kind(PROMOTION, EVERYWHERE)),
        *own,
        _elsewhere(index),
    ]
    return "\n".join(parts)


def _elsewhere(index: Index) -> str:
    """An environment without rules of its own adds none; never a default, which would hide an undefined table."""
    if not index.environments:
        return "here := {}\n"
    known = ", ".join(_text(e) for e in index.environments)
    return f"here := {{}} if not input.environment in {{{known}}}\n"


def _organisation_keys() -> list[str]:
    required = organisation_schema()["required"]
    assert isinstance(required, list)  # noqa: S101 - our own schema
    return sorted(str(name) for name in required)


def _table(name: str, rules: Iterable[RuleEntry], condition: str = "") -> str:
    return _object(name, ((r.id, _answer(r)) for r in rules), condition)


def _answer(rule: RuleEntry) -> str:
    package = reference("data", "bspec", "rules", *rule.id.split("."))
    deny = f"{package}.deny" if rule.has_deny else "set()"
    warn = f"{package}.warn" if rule.has_warn else "set()"
    return f"gate.answer(index[{_text(rule.id)}], {deny}, {warn})"


def reference(*parts: str) -> str:
    """A Rego reference; parts that are no identifiers are written in brackets."""
    head, *rest = parts
    return head + "".join(f".{p}" if _NAME.match(p) else f"[{_text(p)}]" for p in rest)


def _object(name: str, members: Iterable[tuple[str, str]], condition: str = "") -> str:
    lines = [f"\t{_text(key)}: {value}," for key, value in members]
    if not lines:
        return f"{name} := {{}}{condition}\n"
    return "\n".join([f"{name} := {{", *lines, f"}}{condition}", ""])


def _literal(value: JsonValue) -> str:
    return json.dumps(value)


def _text(value: str) -> str:
    return json.dumps(value)


GATE_TEST = """\
# METADATA
# title: Tests of the gate
# description: Generated; they hold for every set of rules.
package bspec.gate_test

import data.bspec.gate
import data.bspec.gate.shape
import data.bspec.testing

chosen := ids if {
	ids := gate.chosen with input as testing.allowed
}

reported(environment, action) := object.keys(decision.global) | object.keys(decision.promotion) if {
	decision := gate.decision with input as testing.allowed
		with input.environment as environment
		with input.action as action
}

expected(environment, action) := {id |
	some id in chosen
	action in gate.index[id].actions
	runs(split(id, "."), environment, action)
}

runs(["global", _, _], _, _)

runs(["promotion", "all", _], _, action) if action != "check"

runs(["promotion", group, _], environment, action) if {
	group == environment
	action != "check"
}

test_reports_exactly_the_index[note] if {
	some environment in {e.id | some e in data.bspec.org.environments}
	some action in ["promote", "rollback", "check"]
	note := $"{environment} {action}"
	reported(environment, action) == expected(environment, action)
}

test_says_who_answers_and_to_what if {
	answer := gate.decision with input as testing.allowed
	object.remove(answer, ["global", "promotion"]) == {
		"contract": "@CONTRACT@",
		"nonce": testing.allowed.nonce,
		"revision": data.bspec.build.revision,
		"data_digest": data.bspec.build.data_digest,
	}
}

test_a_missing_organisation_key_is_undefined[key] if {
	some key, _ in data.bspec.org
	rest := object.remove(data.bspec.org, [key])
	not gate.decision with input as testing.allowed with data.bspec.org as rest
}

test_check_needs_no_environment if {
	answer := gate.decision with input as testing.allowed
		with input.action as "check"
		with input.environment as "none"
	answer.promotion == {}
}

test_all_is_no_environment_even_if_the_data_says_so if {
	not gate.decision with input as testing.allowed
		with input.environment as "all"
		with data.bspec.org.environments as [{"id": "all", "schemas": []}]
}

test_environment_without_own_rules_reports_the_common_ones if {
	environments := [{"id": "elsewhere", "schemas": []}]
	answer := gate.decision with input as testing.allowed
		with input.environment as "elsewhere"
		with data.bspec.org.environments as environments
	common := {id |
		some id in chosen
		startswith(id, "promotion.all.")
		testing.allowed.action in gate.index[id].actions
	}
	object.keys(answer.promotion) == common
}

test_unknown_environment_is_undefined[environment] if {
	some environment in ["sandbox", "all", ""]
	not gate.decision with input as testing.allowed with input.environment as environment
}

test_bad_selector_is_undefined[selector] if {
	some selector in ["@nothing", "global.none.such", "bare"]
	not gate.decision with input as testing.allowed
		with data.bspec.org.select as {"include": ["*", selector], "exclude": [], "tiers": []}
}

test_bad_selector_of_a_pack_is_undefined[tier] if {
	some tier in ["low", "medium", "high"]
	not gate.decision with input as testing.allowed
		with data.bspec.org.select as {
			"include": ["*"],
			"exclude": [],
			"tiers": [{"tier": tier, "include": ["@nothing"], "exclude": []}],
		}
}

test_packs_without_what_checks_the_tier_are_undefined if {
	tiers := [{"tier": testing.allowed.intent.risk.tier, "include": [], "exclude": []}]
	not gate.decision with input as testing.allowed
		with data.bspec.org.select as {"include": ["*"], "exclude": ["@tier_guard"], "tiers": tiers}
}

test_no_word_about_tiers_is_undefined if {
	not gate.decision with input as testing.allowed
		with data.bspec.org.select as {"include": ["*"], "exclude": []}
}

test_no_rule_chosen_is_undefined if {
	not gate.decision with input as testing.allowed
		with data.bspec.org.select as {"include": ["*"], "exclude": ["*"], "tiers": []}
}

test_ill_typed_input_is_undefined[note] if {
	some note, input_ in {
		"empty": {},
		"null": null,
		"a number for the tools": object.union(testing.allowed, {"intent": {"tools": 7}}),
		"one member more": object.union(testing.allowed, {"extra": true}),
		"one member less": object.remove(testing.allowed, {"nonce"}),
	}
	not gate.decision with input as input_
}

test_accepts_the_full_shape if shape.is_input(testing.full)
""".replace("@CONTRACT@", DECISION_CONTRACT)
