package bspec.rules.global.supply.moving_identity_test

import data.bspec.rules.global.supply.moving_identity as rule
import data.bspec.testing

found(tier, changes) := findings if {
	model := object.union(testing.binding.models[0], changes)
	findings := rule.deny with input as testing.allowed
		with input.intent.risk.tier as tier
		with input.binding as [object.union(testing.binding, {"models": [model]})]
		with data.bspec.org.moving as [{"provider": "acme", "identity": "support", "reason": "moved twice"}]
}

test_fail if {
	found("low", {"identity": "support"}) == {{
		"msg": "model class support-optimized-model-v1 is bound to acme:support, which may move (moved twice)",
		"path": "/models/classes/0",
	}}
}

test_success[note] if {
	some note, changes in {
		"a snapshot": {},
		"longer name": {"identity": "support-2026"},
		"another provider": {"identity": "support", "provider": "other"},
		"another class": {"identity": "support", "class": "other"},
	}
	found("low", changes) == set()
}
