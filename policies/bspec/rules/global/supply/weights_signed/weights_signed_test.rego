package bspec.rules.global.supply.weights_signed_test

import data.bspec.rules.global.supply.weights_signed as rule
import data.bspec.testing

found(tier, changes) := findings if {
	model := object.union(testing.binding.models[0], changes)
	findings := rule.deny with input as testing.allowed
		with input.intent.risk.tier as tier
		with input.binding as [object.union(testing.binding, {"models": [model]})]
		with data.bspec.org.signed_weights_tier as "medium"
}

test_fail[tier] if {
	some tier in ["medium", "high"]
	found(tier, {"signature": []}) == {{
		"msg": "model class support-optimized-model-v1: no signature is on record for support-2026-03-01 (oci-digest)",
		"path": "/models/classes/0",
	}}
}

test_success[note] if {
	some note, case in {
		"signed": {"tier": "high", "changes": {}},
		"lower tier": {"tier": "low", "changes": {"signature": []}},
		"a provider's": {"tier": "high", "changes": {"signature": [], "immutability": "provider-asserted"}},
		"another class": {"tier": "high", "changes": {"signature": [], "class": "other"}},
	}
	found(case.tier, case.changes) == set()
}
