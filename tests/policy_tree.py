"""A small policies tree that is right in everything; each test spoils one thing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bspec_opa.bundle.contract.definitions import input_schema

if TYPE_CHECKING:
    from pathlib import Path

BSPEC = """\
# METADATA
# scope: subpackages
# title: Policies
# description: Names the schemas.
# schemas:
#   - input: schema.input
#   - data.bspec.org: schema.org
#   - data.bspec.build: schema.build
package bspec
"""
LIB_GATE = """\
# METADATA
# title: Answers
# description: Enough of the library for the tests of the bundle.
package bspec.lib.gate

answer(rule, denials, warnings) := {
	"status": status(denials, warnings),
	"severity": rule.severity,
	"deny": denials,
	"pending": set(),
	"warn": warnings,
	"waived": set(),
	"waivers": set(),
}

status(denials, _) := "deny" if count(denials) > 0

status(denials, warnings) := "warn" if {
	count(denials) == 0
	count(warnings) > 0
}

status(denials, warnings) := "pass" if {
	count(denials) == 0
	count(warnings) == 0
}
"""
LIB_SELECT = """\
# METADATA
# title: Selectors
# description: Which rules run.
package bspec.lib.select

chosen(rules) := {id |
	some id, rule in rules
	listed(data.bspec.org.select.include, rule)
	not listed(data.bspec.org.select.exclude, rule)
} if {
	data.bspec.org.select.tiers == []
}

guarded(_) if data.bspec.org.select.tiers == []

listed(selectors, rule) if {
	some s in selectors
	names(s, rule)
}

names(s, rule) if s in rule.selectors

unmatched(rules) := {s |
	some s in array.concat(data.bspec.org.select.include, data.bspec.org.select.exclude)
	not known(s, rules)
}

known(s, rules) if {
	some rule in rules
	names(s, rule)
}
"""
LIB_ORDER = """\
# METADATA
# title: Orders
# description: Ranks of words.
package bspec.lib.order

privilege := {"none": 0, "read": 1, "write": 2, "execute": 3, "admin": 4}
"""


Tree = dict[str, str]


def metadata(code: str, collection: str, extra: str = "") -> str:
    return f"""\
# METADATA
# title: The rule {code}
# description: What {code} is about.
# custom:
#   code: {code}
#   severity: high
#   remediation: Do something about it.
#   controls: [SOC2:CC8.1]
#   collections: [{collection}]
#   waivable: true
{extra}"""


NO_ADMIN = """\
package bspec.rules.global.tools.no_admin

import data.bspec.lib.order

deny contains {"msg": $"tool {t.id} asks for {t.privilege}", "path": $"{t.path}/privilege"} if {
	some t in input.intent.tools
	order.privilege[t.privilege] >= order.privilege.admin
}
"""
UNBOUNDED = """\
package bspec.rules.global.tools.unbounded

warn contains {"msg": $"tool {t.id} takes any release", "path": $"{t.path}/version"} if {
	some t in input.intent.tools
	not t.range.bounded
}
"""
REQUESTED = """\
package bspec.rules.promotion.all.requested

deny contains {"msg": "nobody asked for it", "path": "/promotion", "needs": {"kind": "request"}} if {
	count(input.requester) == 0
}
"""
PRODUCTION = """\
package bspec.rules.promotion.production.carried

deny contains {"msg": "another binding than the predecessor's", "path": "/promotion/production"} if {
	some p in input.predecessor
	not p.same_binding
}
"""
NO_ADMIN_TEST = """\
package bspec.rules.global.tools.no_admin_test

import data.bspec.rules.global.tools.no_admin as rule
import data.bspec.testing

test_fail_admin if {
	tools := [object.union(testing.full.intent.tools[0], {"privilege": "admin"})]
	denials := rule.deny with input as testing.allowed with input.intent.tools as tools
	denials == {{"msg": "tool word asks for admin", "path": "word/privilege"}}
}

test_success if count(rule.deny) == 0 with input as testing.allowed
"""


def sample(root: dict[str, Any], schema: dict[str, Any], items: int) -> Any:
    """A value that fits a closed schema, with so many items in each list."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if schema["type"] == "object":
        return {k: sample(root, v, items) for k, v in schema["properties"].items()}
    if schema["type"] == "array":
        return [sample(root, schema["items"], items)] * min(items, schema.get("maxItems", items))
    if "enum" in schema:
        return schema["enum"][0]
    return {"string": "word", "integer": schema.get("minimum"), "boolean": True}[schema["type"]]


def allowed() -> dict[str, Any]:
    root: dict[str, Any] = input_schema()
    found: dict[str, Any] = sample(root, root, 0)
    found["environment"] = "production"
    found["requester"] = sample(root, root["properties"]["requester"], 1)
    return found


def full() -> dict[str, Any]:
    root: dict[str, Any] = input_schema()
    found: dict[str, Any] = sample(root, root, 1)
    return found


def organisation_data() -> dict[str, Any]:
    return {
        "name": "example",
        "contact": "security@example.com",
        "environments": [{"id": "staging", "schemas": []}, {"id": "production", "schemas": []}],
        "exposure_floor": [],
        "forbidden": [],
        "elevated": [],
        "emergency": [],
        "providers": [],
        "publishers": [],
        "moving": [],
        "signed_weights_tier": "high",
        "preview_environments": [],
        "regions": [],
        "open_world_data": "restricted",
        "redacted_categories": [],
        "limits": [],
        "floors": [],
        "min_probe_cases": 1,
        "log_retention": [],
        "controls": [],
        "log_mask": [],
        "select": {"include": ["*"], "exclude": [], "tiers": []},
    }


def good_tree() -> Tree:
    testing = "package bspec.testing\n\nallowed := {}\n\nfull := {}\n".format(
        json.dumps(allowed(), indent="\t"), json.dumps(full(), indent="\t")
    )
    return {
        "bspec/bspec.rego": BSPEC,
        "bspec/org/data.json": json.dumps(organisation_data()),
        "bspec/build/data.json": '{"revision": "test", "data_digest": "test"}',
        "bspec/lib/gate/gate.rego": LIB_GATE,
        "bspec/lib/select/select.rego": LIB_SELECT,
        "bspec/lib/order/order.rego": LIB_ORDER,
        "bspec/rules/global/tools/no_admin/no_admin.rego": metadata("TOL-03", "tools") + NO_ADMIN,
        "bspec/rules/global/tools/no_admin/no_admin_test.rego": NO_ADMIN_TEST,
        "bspec/rules/global/tools/unbounded/unbounded.rego": metadata("TOL-10", "tools") + UNBOUNDED,
        "bspec/rules/promotion/all/requested/requested.rego": metadata(
            "P21", "promotion", "#   pending: request\n"
        ).replace("waivable: true", "waivable: false")
        + REQUESTED,
        "bspec/rules/promotion/production/carried/carried.rego": metadata(
            "P17", "promotion", '#   effective_on: "2026-06-01T00:00:00Z"\n'
        )
        + PRODUCTION,
        "bspec/testing/testing.rego": testing,
    }


def write(root: Path, tree: Tree) -> Path:
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
