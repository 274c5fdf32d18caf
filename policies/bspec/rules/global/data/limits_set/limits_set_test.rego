package bspec.rules.global.data.limits_set_test

import data.bspec.rules.global.data.limits_set as rule
import data.bspec.testing

most := [
	{"tier": "low", "request_seconds": 99, "task_seconds": 999, "max_steps": 99},
	{"tier": "high", "request_seconds": 30, "task_seconds": 300, "max_steps": 20},
]

found(tier, changes) := denials if {
	limits := object.union(testing.intent.constraints.limits, changes)
	denials := rule.deny with input as testing.allowed
		with input.intent.risk.tier as tier
		with input.intent.constraints.limits as limits
		with data.bspec.org.limits as most
}

test_fail_above[note] if {
	some note, case in {
		"request_seconds": {"most": 30},
		"task_seconds": {"most": 300},
		"max_steps": {"most": 20},
	}
	found("high", {note: case.most + 1}) == {{
		"msg": $"{note} is {case.most + 1}; tier high admits {case.most}",
		"path": $"/constraints/limits/{note}",
	}}
}

test_fail_not_limited if {
	found("high", {"task_seconds": testing.unlimited, "max_steps": testing.unlimited}) == {
		{
			"msg": "task_seconds is not limited; tier high admits 300",
			"path": "/constraints/limits/task_seconds",
		},
		{
			"msg": "max_steps is not limited; tier high admits 20",
			"path": "/constraints/limits/max_steps",
		},
	}
}

test_fail_nothing_known_of_the_tier if {
	found("medium", {}) == {{
		"msg": "the organisation's data has no limits for tier medium",
		"path": "/constraints/limits",
	}}
}

test_success_the_organisation_limits_nothing if {
	limits := object.union(testing.intent.constraints.limits, {"max_steps": testing.unlimited})
	denials := rule.deny with input as testing.allowed
		with input.intent.constraints.limits as limits
		with data.bspec.org.limits as [object.union(most[1], {"max_steps": testing.unlimited})]
	denials == set()
}

test_success_at_the_bound if found("high", {}) == set()

test_success_more_at_a_lower_tier if found("low", {"request_seconds": 99, "max_steps": 99}) == set()
