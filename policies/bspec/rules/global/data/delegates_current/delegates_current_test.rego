package bspec.rules.global.data.delegates_current_test

import data.bspec.rules.global.data.delegates_current as rule
import data.bspec.testing

found(delegates) := denials if {
	denials := rule.deny with input as testing.allowed with input.delegates as delegates
}

delegate(agent, at, current) := {"agent": agent, "path": $"/constraints/delegation/{at}", "current": current}

test_fail if {
	found([delegate("archive", 0, true), delegate("billing-archive", 1, false)]) == {{
		"msg": "agent billing-archive has no current line in production",
		"path": "/constraints/delegation/1",
	}}
}

test_success_current if found([delegate("archive", 0, true)]) == set()

test_success_none if found([]) == set()
