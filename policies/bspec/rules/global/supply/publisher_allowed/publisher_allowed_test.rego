package bspec.rules.global.supply.publisher_allowed_test

import data.bspec.rules.global.supply.publisher_allowed as rule
import data.bspec.testing

found(publishers) := denials if {
	denials := rule.deny with input as testing.allowed with data.bspec.org.publishers as publishers
}

test_fail[note] if {
	some note, publishers in {"another": ["tools-team"], "none": []}
	found(publishers) == {{
		"msg": "tool billing_read_api: publisher billing-team is not allowed",
		"path": "/tools/0",
	}}
}

test_success[note] if {
	some note, publishers in {"listed": ["tools-team", "billing-team"], "any": ["*"]}
	found(publishers) == set()
}

# each tool is compared with its own binding, not with another's
two_tools(changes) := object.union(testing.allowed, {
	"intent": object.union(testing.intent, {"tools": [testing.tool, testing.refund_tool]}),
	"binding": [object.union(testing.binding, {"tools": [
		testing.binding.tools[0],
		object.union(object.union(testing.binding.tools[0], {"id": "billing_write_api"}), changes),
	]})],
})

test_fail_only_the_tool_of_the_publisher if {
	denials := rule.deny with input as two_tools({"publisher": "globex"})
		with data.bspec.org.publishers as ["billing-team"]
	denials == {{"msg": "tool billing_write_api: publisher globex is not allowed", "path": "/tools/1"}}
}
