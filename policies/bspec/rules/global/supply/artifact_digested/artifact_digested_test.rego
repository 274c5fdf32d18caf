package bspec.rules.global.supply.artifact_digested_test

import data.bspec.rules.global.supply.artifact_digested as rule
import data.bspec.testing

found(tier, changes) := denials if {
	tool := object.union(testing.binding.tools[0], changes)
	denials := rule.deny with input as testing.allowed
		with input.intent.risk.tier as tier
		with input.binding as [object.union(testing.binding, {"tools": [tool]})]
}

unfixed := [{"purl": "pkg:npm/billing-read@2.4.1", "digest": []}]

test_fail[tier] if {
	some tier in ["medium", "high"]
	found(tier, {"artifact": unfixed}) == {{
		"msg": "tool billing_read_api: pkg:npm/billing-read@2.4.1 has no digest",
		"path": "/tools/0",
	}}
}

test_success[note] if {
	some note, case in {
		"digested": {"tier": "high", "changes": {}},
		"nothing installed": {"tier": "high", "changes": {"artifact": []}},
		"lower tier": {"tier": "low", "changes": {"artifact": unfixed}},
		"not declared": {"tier": "high", "changes": {"id": "other", "artifact": unfixed}},
	}
	found(case.tier, case.changes) == set()
}
