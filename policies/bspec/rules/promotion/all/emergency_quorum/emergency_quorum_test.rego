package bspec.rules.promotion.all.emergency_quorum_test

import data.bspec.rules.promotion.all.emergency_quorum as rule
import data.bspec.testing

quorum(environment) := {"environment": environment, "approvals": [{"role": "security", "count": 1}]}

found(emergency, quorums) := denials if {
	target := object.union(testing.rolled_back.rollback[0], {"emergency": emergency})
	denials := rule.deny with input as testing.rolled_back
		with input.rollback as [target]
		with data.bspec.org.emergency as quorums
}

none := {{"msg": "the organisation has no quorum for emergencies in production", "path": ""}}

test_fail_no_quorum[note] if {
	some note, quorums in {"at all": [], "for this environment": [quorum("staging")]}
	found(true, quorums) == none
}

test_success_quorum if found(true, [quorum("production")]) == set()

test_success_ordinary if found(false, []) == set()
