package bspec.rules.global.tools.no_admin_test

import data.bspec.rules.global.tools.no_admin as rule
import data.bspec.testing

found(privilege) := denials if {
	tool := object.union(testing.tool, {"privilege": privilege})
	denials := rule.deny with input as testing.allowed with input.intent.tools as [tool]
}

test_fail_admin if {
	found("admin") == {{"msg": "tool billing_read_api has privilege admin", "path": "/tools/0/privilege"}}
}

test_success[privilege] if {
	some privilege in ["none", "read", "write", "execute"]
	found(privilege) == set()
}
