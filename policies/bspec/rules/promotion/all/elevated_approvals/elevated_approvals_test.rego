package bspec.rules.promotion.all.elevated_approvals_test

import data.bspec.rules.promotion.all.elevated_approvals as rule
import data.bspec.testing

elevated := [
	{"class": "finance", "privilege": "write", "environment": "staging", "role": "risk-owner", "count": 1},
	{"class": "finance", "privilege": "write", "environment": "production", "role": "risk-owner", "count": 1},
	{"class": "finance", "privilege": "write", "environment": "production", "role": "finance-controller", "count": 2},
]

found(tools, approvals) := denials if {
	denials := rule.deny with input as testing.allowed
		with input.intent.tools as tools
		with input.approvals as approvals
		with data.bspec.org.elevated as elevated
}

rio := testing.approval("person:rio", "risk-owner")

fay := testing.approval("person:fay", "finance-controller")

kim := testing.approval("person:kim", "finance-controller")

missing(role, n, count_) := {
	"msg": $"{role}: {n} of {count_} approvals for tool billing_write_api (class finance, privilege write)",
	"path": "/tools/1/privilege",
	"needs": {"kind": "approval", "role": role, "count": count_ - n},
}

test_fail[note] if {
	some note, case in {
		"none": {
			"approvals": [],
			"want": {missing("risk-owner", 0, 1), missing("finance-controller", 0, 2)},
		},
		"one short": {"approvals": [rio, fay], "want": {missing("finance-controller", 1, 2)}},
		"expired": {
			"approvals": [object.union(rio, {"expires_unix": testing.now_unix}), fay, kim],
			"want": {missing("risk-owner", 0, 1)},
		},
	}
	found([testing.tool, testing.refund_tool], case.approvals) == case.want
}

test_fail_above_the_privilege if {
	tool := object.union(testing.refund_tool, {"privilege": "execute"})
	found([tool], [fay, kim]) == {{
		"msg": "risk-owner: 0 of 1 approvals for tool billing_write_api (class finance, privilege execute)",
		"path": "/tools/1/privilege",
		"needs": {"kind": "approval", "role": "risk-owner", "count": 1},
	}}
}

test_success[note] if {
	some note, case in {
		"approved": {"tools": [testing.tool, testing.refund_tool], "approvals": [rio, fay, kim]},
		"reads only": {"tools": [testing.tool], "approvals": []},
		"other class": {"tools": [object.union(testing.refund_tool, {"class": "crm"})], "approvals": []},
	}
	found(case.tools, case.approvals) == set()
}

test_success_other_environment if {
	denials := rule.deny with input as testing.allowed
		with input.environment as "sandbox"
		with input.intent.tools as [testing.refund_tool]
		with data.bspec.org.elevated as elevated
	denials == set()
}
