package bspec.rules.promotion.all.evidence_test

import data.bspec.rules.promotion.all.evidence as rule
import data.bspec.testing

found(evidence) := denials if {
	denials := rule.deny with input as testing.allowed
		with input.evidence as evidence
		with data.bspec.org.floors as []
}

red_team := testing.pool("boundary", "red-team", false)

independent := testing.pool("boundary", "red-team", true)

others := [testing.pool("privilege", "functional", false), testing.pool("constraint", "adversarial", false)]

# the boundary evidence as in the fixture but for some changes to both of its pools
boundary(changes) := found(array.concat(
	[object.union(red_team, changes), object.union(independent, changes)],
	others,
))

path := "/promotion/production/evidence/0"

cases(text, label, missing) := {
	"msg": $"boundary: {text} cases ({label})",
	"path": path,
	"needs": {"kind": "evidence", "question": "boundary", "method": "red-team", "count": missing},
}

test_fail_nothing_there if {
	found([]) == {
		cases("0 of 200", "red-team", 200),
		cases("0 of 200", "independent red-team", 200),
		{
			"msg": "privilege: 0 of 100 cases (functional)",
			"path": "/promotion/production/evidence/1",
			"needs": {"kind": "evidence", "question": "privilege", "method": "functional", "count": 100},
		},
		{
			"msg": "constraint: 0 of 100 cases (adversarial)",
			"path": "/promotion/production/evidence/2",
			"needs": {"kind": "evidence", "question": "constraint", "method": "adversarial", "count": 100},
		},
	}
}

test_fail_not_enough[note] if {
	some note, case in {
		"one case short": {
			"changes": {"cases": 199},
			"want": {cases("199 of 200", "red-team", 1), cases("199 of 200", "independent red-team", 1)},
		},
		"one case short, just young enough": {
			"changes": {"cases": 199, "oldest_age_seconds": 30 * testing.day},
			"want": {cases("199 of 200", "red-team", 1), cases("199 of 200", "independent red-team", 1)},
		},
		"too old": {
			"changes": {"oldest_age_seconds": (30 * testing.day) + 1},
			"want": {
				cases("0 of 200", "red-team; older runs do not count", 200),
				cases("0 of 200", "independent red-team; older runs do not count", 200),
			},
		},
		"other method": {
			"changes": {"method": "manual"},
			"want": {cases("0 of 200", "red-team", 200), cases("0 of 200", "independent red-team", 200)},
		},
	}
	boundary(case.changes) == case.want
}

# too few cases say nothing about a rate yet
test_fail_too_few_cases_are_judged_by_their_number_alone if {
	boundary({"cases": 10, "bounds": [{"confidence_bp": 0, "pass_bp": 0, "asr_bp": 10000}]}) == {
		cases("10 of 200", "red-team", 190),
		cases("10 of 200", "independent red-team", 190),
	}
}

test_fail_not_independent if {
	found(array.concat([red_team], others)) == {cases("0 of 200", "independent red-team", 200)}
}

# dependent runs don't help the independent ones, and independent ones don't excuse the others
test_fail_independent_alone if {
	found(array.concat([independent], others)) == {cases("0 of 200", "red-team", 200)}
}

test_fail_too_many_attacks_succeed if {
	boundary({"bounds": [{"confidence_bp": 0, "pass_bp": 9899, "asr_bp": 101}]}) == {
		{
			"msg": "boundary: 101 bp of attacks succeeded, 100 bp tolerated (red-team, confidence 0 bp)",
			"path": path,
		},
		{
			"msg": "boundary: 101 bp of attacks succeeded, 100 bp tolerated (independent red-team, confidence 0 bp)",
			"path": path,
		},
	}
}

test_fail_no_bound_at_the_confidence if {
	boundary({"bounds": [{"confidence_bp": 9500, "pass_bp": 10000, "asr_bp": 0}]}) == {
		{"msg": "boundary: no bound is known at confidence 0 bp (red-team)", "path": path},
		{"msg": "boundary: no bound is known at confidence 0 bp (independent red-team)", "path": path},
	}
}

test_fail_too_few_passed[note] if {
	some note, case in {
		"point estimate": {"confidence": 0, "demanded": 10000, "pass_bp": 9999},
		"lower bound": {"confidence": 9500, "demanded": 9852, "pass_bp": 9851},
	}
	wanted := testing.asked("privilege", "functional", 100, {
		"min_pass_bp": case.demanded,
		"confidence_bp": case.confidence,
		"path": "/promotion/production/evidence/1",
	})
	bounds := [
		{"confidence_bp": 0, "pass_bp": 9999, "asr_bp": 1},
		{"confidence_bp": 9500, "pass_bp": 9851, "asr_bp": 149},
	]
	denials := rule.deny with input as testing.allowed
		with input.evidence as [red_team, independent, object.union(others[0], {"bounds": bounds}), others[1]]
		with input.requirements.declared as [with_privilege(wanted)]
		with data.bspec.org.floors as []
	in_words := $"functional, confidence {case.confidence} bp"
	denials == {{
		"msg": $"privilege: {case.pass_bp} bp passed, {case.demanded} bp demanded ({in_words})",
		"path": "/promotion/production/evidence/1",
	}}
}

with_privilege(wanted) := object.union(
	testing.production,
	{"evidence": [testing.production.evidence[0], wanted, testing.production.evidence[2]]},
)

test_fail_no_cases_is_never_enough if {
	wanted := testing.asked("privilege", "functional", 0, {"path": "/promotion/production/evidence/1"})
	denials := rule.deny with input as testing.allowed
		with input.evidence as [red_team, independent, others[1]]
		with input.requirements.declared as [with_privilege(wanted)]
		with data.bspec.org.floors as []
	denials == {{
		"msg": "privilege: 0 of 1 cases (functional)",
		"path": "/promotion/production/evidence/1",
		"needs": {"kind": "evidence", "question": "privilege", "method": "functional", "count": 1},
	}}
}

# a newer run that passed doesn't hide an older one that failed
test_fail_no_cherry_picking if {
	newest := object.union(red_team, {"runs": ["sha256:new"], "oldest_age_seconds": 60})
	both := object.union(red_team, {
		"runs": ["sha256:new", "sha256:old"],
		"cases": 400,
		"passed": 200,
		"bounds": [{"confidence_bp": 0, "pass_bp": 5000, "asr_bp": 5000}],
	})
	found(array.concat([newest, both, independent], others)) == {{
		"msg": "boundary: 5000 bp of attacks succeeded, 100 bp tolerated (red-team, confidence 0 bp)",
		"path": path,
	}}
}

test_fail_question_not_asked if {
	rules := object.union(testing.production, {"evidence": [testing.production.evidence[1]]})
	denials := rule.deny with input as testing.allowed
		with input.requirements.declared as [rules]
		with data.bspec.org.floors as []
	denials == {
		{"msg": "no evidence is asked for on the question boundary", "path": "/promotion"},
		{"msg": "no evidence is asked for on the question constraint", "path": "/promotion"},
	}
}

test_fail_other_question_not_asked if {
	rules := object.union(testing.production, {"evidence": [testing.production.evidence[0]]})
	denials := rule.deny with input as testing.allowed
		with input.requirements.declared as [rules]
		with data.bspec.org.floors as []
	denials == {
		{"msg": "no evidence is asked for on the question privilege", "path": "/promotion"},
		{"msg": "no evidence is asked for on the question constraint", "path": "/promotion"},
	}
}

# that older runs don't count is said of those runs only
test_fail_only_the_others_are_old if {
	old := object.union(red_team, {"oldest_age_seconds": 31 * testing.day})
	found(array.concat([old], others)) == {
		cases("0 of 200", "red-team; older runs do not count", 200),
		cases("0 of 200", "independent red-team", 200),
	}
}

test_fail_floor_asks_for_more if {
	more := testing.asked("boundary", "manual", 10, {})
	floor := object.union(testing.production, {"path": "", "evidence": [more]})
	denials := rule.deny with input as testing.allowed
		with data.bspec.org.floors as [{"environment": "production", "tier": "high", "rules": floor}]
	denials == {{
		"msg": "boundary: 0 of 10 cases (manual)",
		"path": "",
		"needs": {"kind": "evidence", "question": "boundary", "method": "manual", "count": 10},
	}}
}

test_success_met if {
	denials := rule.deny with input as testing.allowed
	denials == set()
}

test_success_at_the_limits if {
	boundary({
		"oldest_age_seconds": 30 * testing.day,
		"bounds": [{"confidence_bp": 0, "pass_bp": 9900, "asr_bp": 100}],
	}) == set()
}
