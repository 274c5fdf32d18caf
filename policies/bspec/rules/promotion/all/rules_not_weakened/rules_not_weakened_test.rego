package bspec.rules.promotion.all.rules_not_weakened_test

import data.bspec.rules.promotion.all.rules_not_weakened as rule
import data.bspec.testing

found(verdict) := warnings if {
	items := [{"verdict": verdict, "path": "/promotion/production/approvals", "what": "security: 0 instead of 1"}]
	warnings := rule.warn with input as testing.allowed with input.change.items as items
}

test_fail if {
	found("governance") == {{
		"msg": "the change asks for less: security: 0 instead of 1",
		"path": "/promotion/production/approvals",
	}}
}

test_success[verdict] if {
	some verdict in ["initial", "cosmetic", "reduction", "expansion"]
	found(verdict) == set()
}
