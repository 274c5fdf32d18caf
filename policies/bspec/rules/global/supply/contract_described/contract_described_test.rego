package bspec.rules.global.supply.contract_described_test

import data.bspec.rules.global.supply.contract_described as rule
import data.bspec.testing

found(tier, id, described) := warnings if {
	contract := {
		"kind": "hand-written/names-only",
		"digest": "sha256:contract",
		"described": described,
		"suspicions": [],
	}
	tool := object.union(testing.binding.tools[0], {"id": id, "contract": contract})
	warnings := rule.warn with input as testing.allowed
		with input.intent.risk.tier as tier
		with input.binding as [object.union(testing.binding, {"tools": [tool]})]
}

test_fail[tier] if {
	some tier in ["medium", "high"]
	found(tier, "billing_read_api", false) == {{
		"msg": "tool billing_read_api: the contract (hand-written/names-only) names operations without what they take",
		"path": "/tools/0",
	}}
}

test_success_described if found("high", "billing_read_api", true) == set()

test_success_lower_tier if found("low", "billing_read_api", false) == set()

test_success_not_declared if found("high", "other", false) == set()
