package bspec.rules.global.supply.provider_asserted_test

import data.bspec.rules.global.supply.provider_asserted as rule
import data.bspec.testing

found(tier, immutability) := warnings if {
	model := object.union(testing.binding.models[0], {"immutability": immutability})
	warnings := rule.warn with input as testing.allowed
		with input.intent.risk.tier as tier
		with input.binding as [object.union(testing.binding, {"models": [model]})]
}

test_fail_asserted if {
	found("high", "provider-asserted") == {{
		"msg": "model class support-optimized-model-v1: acme asserts the identity support-2026-03-01, no digest proves it",
		"path": "/models/classes/0",
	}}
}

test_success[note] if {
	some note, case in {
		"content": {"tier": "high", "immutability": "content"},
		"lower tier": {"tier": "medium", "immutability": "provider-asserted"},
	}
	found(case.tier, case.immutability) == set()
}

# each class is compared with its own binding, not with another's
two_models(changes) := object.union(testing.allowed, {
	"intent": object.union(testing.intent, {"models": {"routing": "heterogeneous", "classes": [
		testing.class,
		object.union(testing.class, {"id": "small", "path": "/models/classes/1", "providers": ["globex"]}),
	]}}),
	"binding": [object.union(testing.binding, {"models": [
		testing.binding.models[0],
		object.union(object.union(testing.binding.models[0], {"class": "small", "provider": "globex"}), changes),
	]})],
})

test_fail_only_the_class_asserted if {
	warnings := rule.warn with input as two_models({"immutability": "provider-asserted"})
	warnings == {{
		"msg": "model class small: globex asserts the identity support-2026-03-01, no digest proves it",
		"path": "/models/classes/1",
	}}
}

test_fail_tier_lowered_by_this_change if {
	findings := rule.warn with input as testing.allowed
		with input.intent.risk.tier as "low"
		with input.requirements.previous_risk as [{"tier": "high", "exposure": "customer"}]
		with input.binding as [object.union(testing.binding, {"models": [object.union(
			testing.binding.models[0],
			{"immutability": "provider-asserted"},
		)]})]
	count(findings) == 1
}
