package bspec.rules.promotion.all.resolved_test

import data.bspec.rules.promotion.all.resolved as rule
import data.bspec.testing

test_fail_not_resolved if {
	denials := rule.deny with input as testing.allowed with input.binding as []
	denials == {{
		"msg": "models, tools and components are not resolved to identities",
		"path": "",
		"needs": {"kind": "resolve"},
	}}
}

test_success_resolved if {
	denials := rule.deny with input as testing.allowed
	denials == set()
}
