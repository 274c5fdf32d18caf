package bspec.rules.promotion.production.independent_red_team_test

import data.bspec.rules.promotion.production.independent_red_team as rule
import data.bspec.testing

found(tier, evidence) := denials if {
	denials := rule.deny with input as testing.allowed
		with input.intent.risk.tier as tier
		with input.evidence as evidence
}

missing := {
	"msg": "boundary: no cases of an independent red team at tier high",
	"path": "/promotion/production/evidence",
	"needs": {"kind": "evidence", "question": "boundary", "method": "red-team", "count": 1},
}

test_fail[note] if {
	some note, evidence in {
		"none": [],
		"not independent": [testing.pool("boundary", "red-team", false)],
		"other method": [testing.pool("boundary", "adversarial", true)],
		"other question": [testing.pool("constraint", "red-team", true)],
		"no cases": [object.union(testing.pool("boundary", "red-team", true), {"cases": 0})],
	}
	found("high", evidence) == {missing}
}

test_success_attacked if found("high", [testing.pool("boundary", "red-team", true)]) == set()

test_success_one_case if {
	found("high", [object.union(testing.pool("boundary", "red-team", true), {"cases": 1})]) == set()
}

test_success_lower_tier[tier] if {
	some tier in ["low", "medium"]
	found(tier, []) == set()
}

test_fail_tier_lowered_by_this_change if {
	findings := rule.deny with input as testing.allowed
		with input.intent.risk.tier as "low"
		with input.requirements.previous_risk as [{"tier": "high", "exposure": "customer"}]
		with input.evidence as []
	count(findings) == 1
}
