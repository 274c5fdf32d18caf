package bspec.rules.global.tools.unbounded_range_test

import data.bspec.rules.global.tools.unbounded_range as rule
import data.bspec.testing

test_fail_unbounded if {
	tool := object.union(testing.tool, {"range": {"text": ">=2.0", "bounded": false}})
	warnings := rule.warn with input as testing.allowed with input.intent.tools as [tool]
	warnings == {{
		"msg": "tool billing_read_api accepts any release in >=2.0, without an upper bound",
		"path": "/tools/0/version",
	}}
}

test_success_bounded if {
	warnings := rule.warn with input as testing.allowed
	warnings == set()
}
