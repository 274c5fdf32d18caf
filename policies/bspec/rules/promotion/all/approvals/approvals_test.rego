package bspec.rules.promotion.all.approvals_test

import data.bspec.rules.promotion.all.approvals as rule
import data.bspec.testing

dana := testing.approval("person:dana", "environment-admin")

sam := testing.approval("person:sam", "security")

rio := testing.approval("person:rio", "risk-owner")

found(approvals) := denials if {
	denials := rule.deny with input as testing.allowed
		with input.approvals as approvals
		with data.bspec.org.floors as []
}

missing(role, n, count_, path) := {
	"msg": $"{role}: {n} of {count_} approvals",
	"path": path,
	"needs": {"kind": "approval", "role": role, "count": count_ - n},
}

no_admin := missing("environment-admin", 0, 1, "/promotion/production/approvals/0")

no_security := missing("security", 0, 1, "/promotion/production/approvals/1")

no_risk_owner := missing("risk-owner", 0, 1, "/promotion/production/on_expansion/0")

test_fail_missing[note] if {
	some note, case in {
		"none": {"approvals": [], "want": {no_admin, no_security, no_risk_owner}},
		"one role": {"approvals": [dana, rio], "want": {no_security}},
		"other role": {"approvals": [dana, rio, testing.approval("person:sam", "legal")], "want": {no_security}},
		"one person in two roles": {
			"approvals": [rio, dana, testing.approval("person:dana", "security")],
			"want": {no_security},
		},
	}
	found(case.approvals) == case.want
}

test_fail_same_person_twice if {
	rules := object.union(testing.production, {"approvals": [{
		"role": "security",
		"count": 2,
		"path": "/promotion/production/approvals/0",
	}]})
	again := object.union(sam, {"id": "sha256:again", "age_seconds": 60})
	denials := rule.deny with input as testing.allowed
		with input.approvals as [sam, again, rio]
		with input.requirements.declared as [rules]
		with data.bspec.org.floors as []
	denials == {missing("security", 1, 2, "/promotion/production/approvals/0")}
}

test_fail_floor_is_stricter if {
	floor := object.union(testing.production, {"path": "", "approvals": [{
		"role": "security",
		"count": 2,
		"path": "",
	}]})
	denials := rule.deny with input as testing.allowed
		with data.bspec.org.floors as [{"environment": "production", "tier": "high", "rules": floor}]
	denials == {missing("security", 1, 2, "")}
}

test_fail_previous_rules_hold if {
	previous := object.union(testing.production, {"approvals": [{
		"role": "legal",
		"count": 1,
		"path": "/promotion/production/approvals/0",
	}]})
	denials := rule.deny with input as testing.allowed
		with input.requirements.previous as [previous]
		with data.bspec.org.floors as []
	denials == {missing("legal", 0, 1, "/promotion/production/approvals/0")}
}

test_success_all_there if found([dana, sam, rio]) == set()

test_success_no_expansion if {
	denials := rule.deny with input as testing.allowed
		with input.approvals as [dana, sam]
		with input.change.verdict as "reduction"
	denials == set()
}

test_success_of_staging if {
	denials := rule.deny with input as testing.allowed
		with input.environment as "staging"
		with input.approvals as [dana]
		with input.requirements.declared as [testing.staging]
	denials == set()
}
