package bspec.rules.promotion.all.requested_test

import data.bspec.rules.promotion.all.requested as rule
import data.bspec.testing

request := testing.allowed.requester[0]

found(requester) := denials if {
	denials := rule.deny with input as testing.allowed with input.requester as requester
}

test_fail[note] if {
	some note, case in {
		"none": {"requester": [], "msg": "nobody has requested this promotion"},
		"not current": {
			"requester": [object.union(request, {"current": false})],
			"msg": "the request of person:pat is for something else than what is promoted",
		},
		"expires now": {
			"requester": [object.union(request, {"expires_unix": testing.now_unix})],
			"msg": "the request of person:pat has expired",
		},
	}
	found(case.requester) == {{"msg": case.msg, "path": "", "needs": {"kind": "request"}}}
}

test_success[note] if {
	some note, changes in {"current": {}, "last second": {"expires_unix": testing.now_unix + 1}}
	found([object.union(request, changes)]) == set()
}
