package bspec.rules.promotion.all.submitted_test

import data.bspec.rules.promotion.all.submitted as rule
import data.bspec.testing

submit := testing.allowed.submits[0]

found(submits) := denials if {
	denials := rule.deny with input as testing.allowed with input.submits as submits
}

test_fail[note] if {
	some note, submits in {
		"none": [],
		"of another version": [object.union(submit, {"current": false})],
		"not by an author": [object.union(submit, {"principal": "person:bob"})],
		"current by nobody, old by an author": [
			object.union(submit, {"current": false}),
			object.union(submit, {"principal": "person:bob"}),
		],
	}
	found(submits) == {{"msg": "nobody has submitted this version", "path": "", "needs": {"kind": "submit"}}}
}

test_success[note] if {
	some note, submits in {
		"current": [submit],
		"beside an old one": [object.union(submit, {"current": false}), submit],
	}
	found(submits) == set()
}
