package bspec.rules.global.tools.privilege_floor_test

import data.bspec.rules.global.tools.privilege_floor as rule
import data.bspec.testing

found(changes, operations) := denials if {
	tool := object.union(testing.tool, changes)
	bound := object.union(testing.binding.tools[0], {"operations": operations})
	binding := object.union(testing.binding, {"tools": [bound]})
	denials := rule.deny with input as testing.allowed
		with input.intent.tools as [tool]
		with input.binding as [binding]
}

reads := [
	{"name": "get_invoice", "privilege_floor": "read"},
	{"name": "list_invoices", "privilege_floor": "none"},
]

deletes := {"name": "delete_invoice", "privilege_floor": "execute"}

test_fail_above_the_declared if {
	found({"privilege": "none"}, reads) == {{
		"msg": "tool billing_read_api: operation get_invoice needs privilege read, declared is none",
		"path": "/tools/0/privilege",
	}}
}

test_fail_admitted_by_wildcard if {
	found({"wildcard": true, "operations": ["*"]}, array.concat(reads, [deletes])) == {{
		"msg": "tool billing_read_api: operation delete_invoice needs privilege execute, declared is read",
		"path": "/tools/0/privilege",
	}}
}

test_fail_operation_without_floor if {
	found({"operations": ["get_invoice", "void_invoice"]}, reads) == {{
		"msg": "tool billing_read_api: the bound contract has no operation void_invoice",
		"path": "/tools/0/operations",
	}}
}

test_success[note] if {
	some note, case in {
		"within": {"changes": {}, "operations": reads},
		"operation that isn't declared": {"changes": {}, "operations": array.concat(reads, [deletes])},
		"wildcard": {"changes": {"wildcard": true, "operations": ["*"]}, "operations": reads},
		"declares more": {"changes": {"privilege": "write"}, "operations": reads},
	}
	found(case.changes, case.operations) == set()
}

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

test_fail_only_the_tool_above if {
	denials := rule.deny with input as two_tools({"operations": [{
		"name": "create_refund",
		"privilege_floor": "execute",
	}]})
	denials == {{
		"msg": "tool billing_write_api: operation create_refund needs privilege execute, declared is write",
		"path": "/tools/1/privilege",
	}}
}

test_success_each_within_its_own if {
	denials := rule.deny with input as two_tools({"operations": [
		{"name": "create_refund", "privilege_floor": "write"},
		{"name": "get_invoice", "privilege_floor": "admin"},
	]})
	denials == set()
}
