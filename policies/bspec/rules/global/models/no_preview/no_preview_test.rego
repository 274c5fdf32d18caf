package bspec.rules.global.models.no_preview_test

import data.bspec.rules.global.models.no_preview as rule
import data.bspec.testing

found(class, preview, environment) := denials if {
	model := object.union(testing.binding.models[0], {"class": class, "preview": preview})
	denials := rule.deny with input as testing.allowed
		with input.environment as environment
		with input.binding as [object.union(testing.binding, {"models": [model]})]
		with data.bspec.org.preview_environments as ["staging"]
}

test_fail if {
	found("support-optimized-model-v1", true, "production") == {{
		"msg": "model class support-optimized-model-v1 is bound to support-2026-03-01, a preview, which production does not admit",
		"path": "/models/classes/0",
	}}
}

test_success[note] if {
	some note, case in {
		"admitted": {"class": "support-optimized-model-v1", "preview": true, "environment": "staging"},
		"released": {"class": "support-optimized-model-v1", "preview": false, "environment": "production"},
		"not declared": {"class": "other", "preview": true, "environment": "production"},
	}
	found(case.class, case.preview, case.environment) == set()
}

test_success_nothing_bound if {
	denials := rule.deny with input as testing.allowed with input.binding as []
	denials == set()
}
