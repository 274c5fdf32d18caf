package bspec.rules.promotion.all.separation_test

import data.bspec.rules.promotion.all.separation as rule
import data.bspec.testing

denied(separation, changes) := denials if {
	rules := object.union(testing.production, {"separation": separation})
	denials := rule.deny with input as object.union(testing.allowed, changes)
		with input.requirements.declared as [rules]
		with data.bspec.org.floors as []
}

warned(separation, approvals) := warnings if {
	rules := object.union(testing.production, {"separation": separation})
	warnings := rule.warn with input as testing.allowed
		with input.approvals as approvals
		with input.requirements.declared as [rules]
		with data.bspec.org.floors as []
}

requester(principal) := [object.union(testing.allowed.requester[0], {"principal": principal})]

evidence(evaluator) := [object.union(testing.allowed.evidence[0], {"evaluators": ["person:eve", evaluator]})]

overlap(principal, one, other) := {
	"msg": $"{principal} is {one} and {other}, which are separate duties",
	"path": "/promotion/production/separation",
}

all_duties := ["author", "promoter", "evaluator"]

test_fail_one_person_two_duties[note] if {
	some note, case in {
		"author promotes": {
			"separation": ["author", "promoter"],
			"changes": {"requester": requester("person:ann")},
			"want": {overlap("person:ann", "author", "promoter")},
		},
		"author evaluates": {
			"separation": ["author", "evaluator"],
			"changes": {"evidence": evidence("person:ann")},
			"want": {overlap("person:ann", "author", "evaluator")},
		},
		"promoter evaluates": {
			"separation": ["promoter", "evaluator"],
			"changes": {"evidence": evidence("person:pat")},
			"want": {overlap("person:pat", "promoter", "evaluator")},
		},
		"all in one": {
			"separation": all_duties,
			"changes": {"requester": requester("person:ann"), "evidence": evidence("person:ann")},
			"want": {
				overlap("person:ann", "author", "promoter"),
				overlap("person:ann", "author", "evaluator"),
				overlap("person:ann", "promoter", "evaluator"),
			},
		},
	}
	denied(case.separation, case.changes) == case.want
}

test_fail_approval_of_a_duty_holder[note] if {
	some note, principal in {"author": "person:ann", "promoter": "person:pat", "evaluator": "person:eve"}
	warned(all_duties, [testing.approval(principal, "security")]) == {{
		"msg": $"{principal} holds another duty, so the approval as security does not count",
		"path": "/promotion/production/separation",
	}}
}

test_success_deny[note] if {
	some note, case in {
		"apart": {"separation": all_duties, "changes": {}},
		"author may promote": {"separation": ["author"], "changes": {"requester": requester("person:ann")}},
		"promoter may be an author": {
			"separation": ["promoter"],
			"changes": {"requester": requester("person:ann")},
		},
		"author may evaluate": {"separation": ["author"], "changes": {"evidence": evidence("person:ann")}},
		"evaluator may be an author": {"separation": ["evaluator"], "changes": {"evidence": evidence("person:ann")}},
		"nothing separate": {
			"separation": [],
			"changes": {"requester": requester("person:ann"), "evidence": evidence("person:ann")},
		},
	}
	denied(case.separation, case.changes) == set()
}

test_success_warn if warned(all_duties, [testing.approval("person:sam", "security")]) == set()
