package bspec.lib.approvals_test

import data.bspec.lib.approvals
import data.bspec.testing

sam := testing.approval("person:sam", "security")

counted(list) := found if {
	found := approvals.counted with input as testing.allowed
		with input.approvals as list
		with data.bspec.org.floors as []
}

rejects(list) := found if {
	found := approvals.rejects with input as testing.allowed
		with input.approvals as list
}

test_counts if counted([sam]) == {sam}

test_counts_at_the_limits[note] if {
	some note, change in {
		"last second": {"expires_unix": testing.now_unix + 1},
		"as old as allowed": {"age_seconds": 7 * testing.day},
	}
	approval := object.union(sam, change)
	counted([approval]) == {approval}
}

test_does_not_count[note] if {
	some note, change in {
		"reject": {"decision": "reject"},
		"expired": {"expires_unix": testing.now_unix},
		"too old": {"age_seconds": (7 * testing.day) + 1},
		"other intent": {"binds": {"intent": false}},
		"other binding": {"binds": {"binding": false}},
		"other base": {"binds": {"base": false}},
		"other source": {"binds": {"source": false}},
		"other evidence": {"binds": {"evidence": false}},
		"other change": {"binds": {"change": false}},
		"other view": {"binds": {"view": false}},
		"author": {"principal": "person:ann"},
		"promoter": {"principal": "person:pat"},
		"evaluator": {"principal": "person:eve"},
	}
	counted([object.union(sam, change)]) == set()
}

test_counts_nothing_without_rules if {
	found := approvals.counted with input as testing.allowed
		with input.requirements as {"declared": [], "previous": [], "previous_risk": []}
		with data.bspec.org.floors as []
	found == set()
}

test_duty_holders_may_approve_where_not_separate[duty] if {
	some duty, principal in {"author": "person:ann", "promoter": "person:pat", "evaluator": "person:eve"}
	rules := object.union(testing.production, {"separation": []})
	approval := testing.approval(principal, "security")
	found := {"counted": approvals.counted, "barred": approvals.barred_approvals} with input as testing.allowed
		with input.approvals as [approval]
		with input.requirements.declared as [rules]
		with data.bspec.org.floors as []
	found == {"counted": {approval}, "barred": set()}
}

test_barred_by_the_floor_alone if {
	rules := object.union(testing.production, {"separation": []})
	floor := object.union(testing.production, {"path": "", "separation": ["author"]})
	approval := testing.approval("person:ann", "security")
	found := {"counted": approvals.counted, "barred": approvals.barred_approvals} with input as testing.allowed
		with input.approvals as [approval]
		with input.requirements.declared as [rules]
		with data.bspec.org.floors as [{"environment": "production", "tier": "high", "rules": floor}]
	found == {"counted": set(), "barred": {approval}}
}

newer(change) := object.union(sam, object.union({"id": "sha256:newer", "age_seconds": 60}, change))

test_of_one_person_only_the_newest_stands[note] if {
	some note, case in {
		"other role": {"list": [sam, newer({"role": "legal"})], "want": {newer({"role": "legal"})}},
		"other order": {"list": [newer({"role": "legal"}), sam], "want": {newer({"role": "legal"})}},
		"expired": {"list": [sam, newer({"expires_unix": 0})], "want": set()},
		"reject": {"list": [sam, newer({"decision": "reject"})], "want": set()},
		"reject of the same second": {
			"list": [sam, object.union(sam, {"id": "sha256:zzz", "decision": "reject"})],
			"want": set(),
		},
		"of another intent": {"list": [sam, newer({"binds": {"intent": false}})], "want": {sam}},
		"of another binding": {"list": [sam, newer({"binds": {"binding": false}})], "want": {sam}},
		"somebody else's": {
			"list": [sam, newer({"principal": "person:rio"})],
			"want": {sam, newer({"principal": "person:rio"})},
		},
	}
	counted(case.list) == case.want
}

test_people_are_distinct if {
	people := approvals.people("security") with input as testing.allowed
		with input.approvals as [
			sam,
			newer({}),
			testing.approval("person:kim", "security"),
			testing.approval("person:dana", "environment-admin"),
		]
	people == {"person:sam", "person:kim"}
}

reject := object.union(sam, {"decision": "reject", "expires_unix": testing.unlimited})

test_every_reject_is_open[note] if {
	some note, change in {
		"of this": {},
		"of an older base": {"binds": {"base": false, "view": false}},
		"of another version at this base": {"binds": {"intent": false, "binding": false}},
		"past its expiry": {"expires_unix": 0},
		"older than approvals may be": {"age_seconds": testing.unlimited},
		"by an author": {"principal": "person:ann"},
	}
	open := object.union(reject, change)
	rejects([sam, open]) == {open}
}

test_approval_is_no_reject if rejects([sam]) == set()
