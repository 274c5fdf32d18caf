package bspec.rules.promotion.all.observed_tools_test

import data.bspec.rules.promotion.all.observed_tools as rule
import data.bspec.testing

test_fail_undeclared if {
	pool := object.union(
		testing.pool("privilege", "manual", false),
		{"undeclared_tools": ["billing_read_api/delete_invoice", "mail/send"]},
	)
	denials := rule.deny with input as testing.allowed with input.evidence as [pool]
	denials == {
		{
			"msg": "billing_read_api/delete_invoice was used in an evaluation, but is not declared",
			"path": "/tools",
		},
		{"msg": "mail/send was used in an evaluation, but is not declared", "path": "/tools"},
	}
}

test_success_declared if {
	denials := rule.deny with input as testing.allowed
	denials == set()
}
