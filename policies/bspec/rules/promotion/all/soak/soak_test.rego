package bspec.rules.promotion.all.soak_test

import data.bspec.rules.promotion.all.soak as rule
import data.bspec.testing

found(ages, declared, previous) := denials if {
	predecessor := [object.union(testing.allowed.predecessor[0], {"age_seconds": age}) | some age in ages]
	denials := rule.deny with input as testing.allowed
		with input.predecessor as predecessor
		with input.requirements.declared as [object.union(testing.production, {"soak_seconds": declared})]
		with input.requirements.previous as [object.union(testing.production, {"soak_seconds": previous})]
		with data.bspec.org.floors as []
}

remaining(age, soak) := {
	"msg": $"staging has held this for {age} of {soak} seconds",
	"path": "/promotion/production/soak",
	"needs": {"kind": "soak", "count": soak - age},
}

test_fail_too_early[note] if {
	some note, case in {
		"declared": {"age": 99, "declared": 100, "previous": 0, "want": {remaining(99, 100)}},
		"previous": {"age": 99, "declared": 0, "previous": 200, "want": {remaining(99, 200)}},
		"both": {"age": 0, "declared": 100, "previous": 200, "want": {remaining(0, 100), remaining(0, 200)}},
	}
	found([case.age], case.declared, case.previous) == case.want
}

test_success[note] if {
	some note, case in {
		"over": {"ages": [200], "declared": 100, "previous": 200},
		"none asked": {"ages": [0], "declared": 0, "previous": 0},
		"nothing to soak in": {"ages": [], "declared": 100, "previous": 0},
	}
	found(case.ages, case.declared, case.previous) == set()
}
