package bspec.rules.promotion.all.scope_probed_test

import data.bspec.rules.promotion.all.scope_probed as rule
import data.bspec.testing

found(evidence, minimum) := denials if {
	denials := rule.deny with input as testing.allowed
		with input.evidence as evidence
		with data.bspec.org.min_probe_cases as minimum
		with data.bspec.org.floors as []
}

red_team := testing.pool("boundary", "red-team", false)

probed(changes) := [object.union(red_team, changes)]

missing(n, minimum) := {
	"msg": $"refunds: {n} of {minimum} boundary probes",
	"path": "/scope/out/0",
	"needs": {"kind": "evidence", "question": "boundary", "count": minimum - n},
}

test_fail[note] if {
	some note, case in {
		"no evidence": {"evidence": [], "minimum": 1, "want": {missing(0, 1)}},
		"no probe": {"evidence": probed({"probes": []}), "minimum": 1, "want": {missing(0, 1)}},
		"no case": {
			"evidence": probed({"probes": [{"scope_out_id": "refunds", "cases": 0, "passed": 0}]}),
			"minimum": 1,
			"want": {missing(0, 1)},
		},
		"another entry": {
			"evidence": probed({"probes": [{"scope_out_id": "loans", "cases": 9, "passed": 9}]}),
			"minimum": 1,
			"want": {missing(0, 1)},
		},
		"too few": {"evidence": probed({}), "minimum": 201, "want": {missing(200, 201)}},
		"too old": {
			"evidence": probed({"oldest_age_seconds": 31 * testing.day}),
			"minimum": 1,
			"want": {missing(0, 1)},
		},
		"method that nothing rests on": {
			"evidence": probed({"method": "manual"}),
			"minimum": 1,
			"want": {missing(0, 1)},
		},
		"other question": {
			"evidence": [object.union(
				testing.pool("privilege", "functional", false),
				{"probes": [{"scope_out_id": "refunds", "cases": 9, "passed": 9}]},
			)],
			"minimum": 1,
			"want": {missing(0, 1)},
		},
	}
	found(case.evidence, case.minimum) == case.want
}

probes(cases, passed) := [{"scope_out_id": "refunds", "cases": cases, "passed": passed}]

failed(cases, passed, tolerance) := denials if {
	requirement := object.union(testing.asked("boundary", "red-team", 1, {"independent": true}), tolerance)
	denials := rule.deny with input as testing.allowed
		with input.requirements as {
			"declared": [object.union(testing.production, {"evidence": [requirement]})],
			"previous": [],
			"previous_risk": [],
		}
		with input.evidence as [object.union(red_team, {"probes": probes(cases, passed)})]
		with data.bspec.org.min_probe_cases as 1
		with data.bspec.org.floors as []
}

test_fail_probes_failed[note] if {
	some note, case in {
		"all": {"cases": 250, "passed": 0, "tolerance": {"max_asr_bp": 100}},
		"more than attacks tolerated": {"cases": 200, "passed": 197, "tolerance": {"max_asr_bp": 100}},
		"fewer than demanded": {"cases": 200, "passed": 195, "tolerance": {"min_pass_bp": 9800}},
		"the stricter of both": {"cases": 200, "passed": 197, "tolerance": {"min_pass_bp": 9800, "max_asr_bp": 100}},
		"none tolerated but a fraction": {"cases": 1, "passed": 0, "tolerance": {"max_asr_bp": 9999}},
		"one of many, no tolerance stated": {"cases": 10000, "passed": 9999, "tolerance": {}},
		"one fewer than demanded": {"cases": 10000, "passed": 9799, "tolerance": {"min_pass_bp": 9800}},
		"one, no tolerance stated": {"cases": 200, "passed": 199, "tolerance": {}},
	}
	failed(case.cases, case.passed, case.tolerance) == {{
		"msg": $"refunds: {case.cases - case.passed} of {case.cases} boundary probes failed",
		"path": "/scope/out/0",
	}}
}

test_fail_probes_failed_of_independent_runs if {
	independent := object.union(testing.pool("boundary", "red-team", true), {"probes": probes(100, 97)})
	found([red_team, independent], 1) == {{
		"msg": "refunds: 3 of 100 boundary probes failed",
		"path": "/scope/out/0",
	}}
}

test_success_failed_probes_of_something_else[note] if {
	other := {"scope_out_id": "loans", "cases": 10, "passed": 0}
	some note, evidence in {
		"of another entry": [object.union(red_team, {"probes": array.concat(probes(200, 200), [other])})],
		"of another question": [
			red_team,
			object.union(testing.pool("privilege", "functional", false), {"probes": probes(10, 0)}),
		],
	}
	found(evidence, 1) == set()
}

test_success_probes_tolerated[note] if {
	some note, case in {
		"attacks": {"cases": 200, "passed": 198, "tolerance": {"max_asr_bp": 100}},
		"demanded": {"cases": 200, "passed": 196, "tolerance": {"min_pass_bp": 9800}},
		"all passed": {"cases": 200, "passed": 200, "tolerance": {}},
		"everything stated": {"cases": 200, "passed": 200, "tolerance": {"min_pass_bp": 10000, "max_asr_bp": 0}},
	}
	failed(case.cases, case.passed, case.tolerance) == set()
}

test_success[note] if {
	some note, case in {
		"probed": {"evidence": probed({}), "minimum": 200},
		"by independent runs": {"evidence": [testing.pool("boundary", "red-team", true)], "minimum": 1},
	}
	found(case.evidence, case.minimum) == set()
}
