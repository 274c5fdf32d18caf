package bspec.rules.promotion.all.not_frozen_test

import data.bspec.rules.promotion.all.not_frozen as rule
import data.bspec.testing

found(declared, previous, floor) := denials if {
	floors := [{
		"environment": "production",
		"tier": "high",
		"rules": object.union(testing.production, {"path": "", "frozen": floor}),
	}]
	denials := rule.deny with input as testing.allowed
		with input.requirements.declared as [object.union(testing.production, {"frozen": declared})]
		with input.requirements.previous as [object.union(testing.production, {"frozen": previous})]
		with data.bspec.org.floors as floors
}

frozen(path) := {"msg": "promotions to production are frozen now", "path": path}

test_fail_frozen[note] if {
	some note, case in {
		"declared": {"frozen": [true, false, false], "want": {frozen("/promotion/production/freeze")}},
		"previous": {"frozen": [false, true, false], "want": {frozen("/promotion/production/freeze")}},
		"floor": {"frozen": [false, false, true], "want": {frozen("")}},
	}
	found(case.frozen[0], case.frozen[1], case.frozen[2]) == case.want
}

test_success_open if found(false, false, false) == set()
