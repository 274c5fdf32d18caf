package bspec.rules.global.baseline.scope_disjoint_test

import data.bspec.rules.global.baseline.scope_disjoint as rule
import data.bspec.testing

inside := testing.intent.scope.in[0]

test_fail_action_on_both_sides if {
	both := object.union(inside, {"actions": ["read:invoice", "write:refund"]})
	denials := rule.deny with input as testing.allowed with input.intent.scope.in as [both]
	denials == {{
		"msg": "write:refund is in scope (explain-invoices) and out of scope (refunds)",
		"path": "/scope/in/0/actions",
	}}
}

test_fail_each_place if {
	first := object.union(inside, {"actions": ["write:refund"]})
	second := {"id": "pay", "path": "/scope/in/1", "statement": "Pay", "actions": ["write:refund"]}
	denials := rule.deny with input as testing.allowed with input.intent.scope.in as [first, second]
	denials == {
		{
			"msg": "write:refund is in scope (explain-invoices) and out of scope (refunds)",
			"path": "/scope/in/0/actions",
		},
		{"msg": "write:refund is in scope (pay) and out of scope (refunds)", "path": "/scope/in/1/actions"},
	}
}

test_success_disjoint if {
	denials := rule.deny with input as testing.allowed
	denials == set()
}
