package bspec.rules.promotion.all.approvals_stand_test

import data.bspec.rules.promotion.all.approvals_stand as rule
import data.bspec.testing

dana := testing.approval("person:dana", "environment-admin")

found(changes) := warnings if {
	warnings := rule.warn with input as testing.allowed with input.approvals as [object.union(dana, changes)]
}

said(why) := {"msg": $"the approval of person:dana as environment-admin does not count: {why}", "path": ""}

test_fail[note] if {
	some note, case in {
		"expired": {"changes": {"expires_unix": testing.now_unix}, "why": "it has expired"},
		"too old": {
			"changes": {"age_seconds": (7 * testing.day) + 1},
			"why": "it is older than 604800 seconds",
		},
		"expires now and too old": {
			"changes": {"expires_unix": testing.now_unix, "age_seconds": (7 * testing.day) + 1},
			"why": "it has expired",
		},
		"just young enough": {
			"changes": {"age_seconds": 7 * testing.day, "binds": {"view": false}},
			"why": "its signer was shown something else",
		},
		"source": {
			"changes": {"binds": {"source": false, "evidence": false, "view": false}},
			"why": "the source environment has another line now",
		},
		"evidence": {
			"changes": {"binds": {"evidence": false, "view": false}},
			"why": "there is other evidence now",
		},
		"change": {"changes": {"binds": {"change": false, "view": false}}, "why": "the change is another one now"},
		"view": {"changes": {"binds": {"view": false}}, "why": "its signer was shown something else"},
		"expired and more": {
			"changes": {"expires_unix": 0, "age_seconds": 30 * testing.day, "binds": {"view": false}},
			"why": "it has expired",
		},
	}
	found(case.changes) == {said(case.why)}
}

test_success[note] if {
	some note, changes in {
		"counts": {},
		"in time": {"age_seconds": 7 * testing.day, "expires_unix": testing.now_unix + 1},
		"another base": {"expires_unix": 0, "binds": {"base": false}},
		"another intent": {"expires_unix": 0, "binds": {"intent": false}},
		"another binding": {"expires_unix": 0, "binds": {"binding": false}},
		"a reject": {"decision": "reject", "binds": {"view": false}},
	}
	found(changes) == set()
}
