package bspec.rules.global.tools.forbidden_class_test

import data.bspec.rules.global.tools.forbidden_class as rule
import data.bspec.testing

ban := [
	{"class": "finance", "privilege": "write", "reason": "no agent changes financial records"},
	{"class": "hr", "privilege": "none", "reason": "people only"},
]

found(changes) := denials if {
	tool := object.union(testing.tool, changes)
	denials := rule.deny with input as testing.allowed
		with input.intent.tools as [tool]
		with data.bspec.org.forbidden as ban
}

test_fail_from_the_privilege_up[privilege] if {
	some privilege in ["write", "execute", "admin"]
	reason := "no agent changes financial records"
	found({"privilege": privilege}) == {{
		"msg": $"tool billing_read_api: class finance may not have privilege {privilege} in this organisation ({reason})",
		"path": "/tools/0/privilege",
	}}
}

test_fail_whole_class if {
	found({"class": "hr", "privilege": "none"}) == {{
		"msg": "tool billing_read_api: class hr may not have privilege none in this organisation (people only)",
		"path": "/tools/0/privilege",
	}}
}

# the paper's organisation: refunds are refused, whoever approved them (9.6)
test_fail_by_default_finance_write if {
	denials := rule.deny with input as testing.allowed with input.intent.tools as [testing.tool, testing.refund_tool]
	{d.path | some d in denials} == {"/tools/1/privilege"}
}

test_success[note] if {
	some note, changes in {
		"below": {"privilege": "read"},
		"other class": {"class": "crm", "privilege": "write"},
	}
	found(changes) == set()
}
