package bspec.rules.global.tools.irreversible_named_test

import data.bspec.rules.global.tools.irreversible_named as rule
import data.bspec.testing

found(changes) := denials if {
	tool := object.union(testing.tool, changes)
	denials := rule.deny with input as testing.allowed
		with input.intent.tools as [tool]
		with input.intent.risk.tier as "low"
}

expected := {{
	"msg": "tool billing_read_api is irreversible and may use any operation",
	"path": "/tools/0/operations",
}}

test_fail[note] if {
	some note, changes in {
		"flagged": {"wildcard": true},
		"in the list": {"operations": ["*"]},
		"among others": {"wildcard": false, "operations": ["get_invoice", "*"]},
	}
	found(object.union(changes, {"reversibility": "irreversible"})) == expected
}

test_success_named if found({"reversibility": "irreversible"}) == set()

test_success_can_be_undone[reversibility] if {
	some reversibility in ["read-only", "reversible", "externally-reversible"]
	found({"reversibility": reversibility, "wildcard": true, "operations": ["*"]}) == set()
}
