package bspec.rules.promotion.all.non_author_approval_test

import data.bspec.rules.promotion.all.non_author_approval as rule
import data.bspec.testing

found(approvals, separation) := denials if {
	rules := object.union(testing.production, {"separation": separation})
	denials := rule.deny with input as testing.allowed
		with input.approvals as approvals
		with input.requirements.declared as [rules]
		with data.bspec.org.floors as []
}

dana := testing.approval("person:dana", "environment-admin")

ann := testing.approval("person:ann", "environment-admin")

missing := {
	"msg": "0 of 1 approvals by somebody who is not an author",
	"path": "",
	"needs": {"kind": "approval", "role": "environment-admin", "count": 1},
}

test_fail[note] if {
	some note, approvals in {
		"none": [],
		"an author's": [ann],
		"one that doesn't count": [object.union(dana, {"expires_unix": 0})],
		"a reject": [object.union(dana, {"decision": "reject"})],
	}
	found(approvals, []) == {missing}
}

test_fail_author_whatever_the_separation if found([ann], ["promoter"]) == {missing}

test_success[note] if {
	some note, approvals in {"somebody else's": [dana], "beside an author's": [ann, dana]}
	found(approvals, []) == set()
}

test_fail_one_role_asked_for if {
	rules := object.union(testing.production, {"approvals": [testing.production.approvals[0]], "on_expansion": []})
	denials := rule.deny with input as testing.allowed
		with input.approvals as []
		with input.requirements.declared as [rules]
		with data.bspec.org.floors as []
	denials == {object.union(missing, {"needs": {"role": testing.production.approvals[0].role}})}
}

test_fail_no_role_asked_for if {
	rules := object.union(testing.production, {"approvals": [], "on_expansion": []})
	denials := rule.deny with input as testing.allowed
		with input.approvals as []
		with input.requirements.declared as [rules]
		with data.bspec.org.floors as []
	denials == {{
		"msg": "0 of 1 approvals by somebody who is not an author",
		"path": "",
		"needs": {"kind": "approval", "count": 1},
	}}
}

test_success_no_role_asked_for if {
	rules := object.union(testing.production, {"approvals": [], "on_expansion": []})
	denials := rule.deny with input as testing.allowed
		with input.approvals as [dana]
		with input.requirements.declared as [rules]
		with data.bspec.org.floors as []
	denials == set()
}
