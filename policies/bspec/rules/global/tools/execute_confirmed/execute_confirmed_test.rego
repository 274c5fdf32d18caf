package bspec.rules.global.tools.execute_confirmed_test

import data.bspec.rules.global.tools.execute_confirmed as rule
import data.bspec.testing

found(privilege, confirmation) := denials if {
	tool := object.union(testing.tool, {"privilege": privilege, "confirmation": confirmation})
	denials := rule.deny with input as testing.allowed with input.intent.tools as [tool]
}

test_fail[note] if {
	some privilege in ["execute", "admin"]
	some confirmation in ["on-write", "never"]
	note := $"{privilege} {confirmation}"
	found(privilege, confirmation) == {{
		"msg": $"tool billing_read_api has privilege {privilege} and confirmation {confirmation}, not always",
		"path": "/tools/0/confirmation",
	}}
}

test_success[note] if {
	some note, case in {
		"confirmed": {"privilege": "execute", "confirmation": "always"},
		"writes only": {"privilege": "write", "confirmation": "never"},
	}
	found(case.privilege, case.confirmation) == set()
}
