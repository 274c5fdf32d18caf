package bspec.rules.global.data.shared_memory_test

import data.bspec.rules.global.data.shared_memory as rule
import data.bspec.testing

found(memory, most, reached) := denials if {
	denials := rule.deny with input as testing.allowed
		with input.intent.constraints.memory as memory
		with input.intent.constraints.data.max as most
		with input.intent.tools as [object.union(testing.tool, {"data": reached})]
}

by_limit := {
	"msg": "memory is shared between users, and restricted data is allowed",
	"path": "/constraints/memory/policy",
}

by_tool := {
	"msg": "memory is shared between users, and tool billing_read_api reaches restricted data",
	"path": "/tools/0/data",
}

test_fail[note] if {
	some note, case in {
		"allowed": {"max": "restricted", "data": "internal", "want": {by_limit}},
		"reached": {"max": "confidential", "data": "restricted", "want": {by_tool}},
		"both": {"max": "restricted", "data": "restricted", "want": {by_limit, by_tool}},
	}
	found("shared", case.max, case.data) == case.want
}

test_success_memory_of_one[memory] if {
	some memory in ["none", "session", "user"]
	found(memory, "restricted", "restricted") == set()
}

test_success_shared_without_restricted_data[most] if {
	some most in ["public", "internal", "confidential"]
	found("shared", most, most) == set()
}
