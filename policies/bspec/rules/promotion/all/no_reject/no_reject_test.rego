package bspec.rules.promotion.all.no_reject_test

import data.bspec.rules.promotion.all.no_reject as rule
import data.bspec.testing

sam := testing.approval("person:sam", "security")

reject := object.union(sam, {"decision": "reject", "expires_unix": testing.unlimited})

test_fail_rejected if {
	denials := rule.deny with input as testing.allowed
		with input.approvals as [testing.approval("person:dana", "environment-admin"), reject]
	denials == {{"msg": "person:sam has rejected this change as security", "path": ""}}
}

test_success_no_reject if {
	denials := rule.deny with input as testing.allowed
	denials == set()
}

test_fail_every_reject if {
	of_another_version := object.union(reject, {"principal": "person:rio", "binds": {"intent": false}})
	denials := rule.deny with input as testing.allowed with input.approvals as [reject, of_another_version]
	denials == {
		{"msg": "person:sam has rejected this change as security", "path": ""},
		{"msg": "person:rio has rejected this change as security", "path": ""},
	}
}
