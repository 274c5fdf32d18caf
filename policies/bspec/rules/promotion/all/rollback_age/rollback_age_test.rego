package bspec.rules.promotion.all.rollback_age_test

import data.bspec.rules.promotion.all.rollback_age as rule
import data.bspec.testing

limited(days) := object.union(testing.production, {"rollback": [object.union(
	testing.production.rollback[0],
	{"max_lock_age_seconds": days * testing.day},
)]})

found(age, declared, previous) := denials if {
	target := object.union(testing.rolled_back.rollback[0], {"age_seconds": age})
	denials := rule.deny with input as testing.rolled_back
		with input.rollback as [target]
		with input.requirements.declared as [limited(declared)]
		with input.requirements.previous as [limited(previous)]
		with data.bspec.org.floors as []
}

old(age, days) := {
	"msg": $"the line is {age} seconds old, and a rollback may go back {days * testing.day} seconds",
	"path": "/promotion/production/rollback/max_lock_age",
}

test_fail_too_old[note] if {
	some note, case in {
		"for its own intent": {"age": (10 * testing.day) + 1, "declared": 10, "previous": 20, "want": {10}},
		"for the intent in force": {"age": (10 * testing.day) + 1, "declared": 20, "previous": 10, "want": {10}},
		"for both": {"age": (30 * testing.day) + 1, "declared": 30, "previous": 10, "want": {30, 10}},
	}
	found(case.age, case.declared, case.previous) == {old(case.age, days) | some days in case.want}
}

test_success_to_the_second if found(10 * testing.day, 10, 20) == set()

test_success_no_limit if {
	rules := object.union(testing.production, {"rollback": []})
	denials := rule.deny with input as testing.rolled_back
		with input.requirements.declared as [rules]
		with input.requirements.previous as [rules]
		with data.bspec.org.floors as []
	denials == set()
}
