package bspec.rules.global.supply.in_range_test

import data.bspec.rules.global.supply.in_range as rule
import data.bspec.testing

found(in_range) := denials if {
	bound := object.union(testing.binding.tools[0], {"release": "3.0.0", "in_range": in_range})
	denials := rule.deny with input as testing.allowed
		with input.binding as [object.union(testing.binding, {"tools": [bound]})]
}

test_fail_outside if {
	found(false) == {{
		"msg": "tool billing_read_api: release 3.0.0 does not lie in >=2.0,<3",
		"path": "/tools/0/version",
	}}
}

test_success_inside if found(true) == set()

test_success_not_resolved if {
	denials := rule.deny with input as testing.allowed with input.binding as []
	denials == set()
}

# each tool is compared with its own binding, not with another's
two_tools(changes) := object.union(testing.allowed, {
	"intent": object.union(testing.intent, {"tools": [testing.tool, testing.refund_tool]}),
	"binding": [object.union(testing.binding, {"tools": [
		testing.binding.tools[0],
		object.union(object.union(testing.binding.tools[0], {"id": "billing_write_api"}), changes),
	]})],
})

test_fail_only_the_tool_outside if {
	denials := rule.deny with input as two_tools({"release": "3.0.0", "in_range": false})
	denials == {{
		"msg": "tool billing_write_api: release 3.0.0 does not lie in >=2.0,<3",
		"path": "/tools/1/version",
	}}
}
