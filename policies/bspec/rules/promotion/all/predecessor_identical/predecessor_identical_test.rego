package bspec.rules.promotion.all.predecessor_identical_test

import data.bspec.rules.promotion.all.predecessor_identical as rule
import data.bspec.testing

found(expected, predecessor) := denials if {
	denials := rule.deny with input as testing.allowed
		with input.predecessor_expected as expected
		with input.predecessor as predecessor
}

staging := testing.allowed.predecessor[0]

differs(part) := {"msg": $"staging holds another {part}; promote this one there first", "path": "/promotion"}

test_fail_no_predecessor if {
	found(true, []) == {{
		"msg": "nothing was promoted to the environment before production; promote there first",
		"path": "/promotion",
	}}
}

test_fail_differs[note] if {
	some note, case in {
		"intent": {"changes": {"same_intent": false}, "want": {differs("intent")}},
		"surface": {"changes": {"same_surface": false}, "want": {differs("surface")}},
		"binding": {"changes": {"same_binding": false}, "want": {differs("binding")}},
		"all": {
			"changes": {"same_intent": false, "same_surface": false, "same_binding": false},
			"want": {differs("intent"), differs("surface"), differs("binding")},
		},
	}
	found(true, [object.union(staging, case.changes)]) == case.want
}

test_success[note] if {
	some note, case in {
		"identical": {"expected": true, "predecessor": [staging]},
		"first environment": {"expected": false, "predecessor": []},
	}
	found(case.expected, case.predecessor) == set()
}
