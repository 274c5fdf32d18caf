package bspec.rules.promotion.all.emergency_reviewed_test

import data.bspec.rules.promotion.all.emergency_reviewed as rule
import data.bspec.testing

one := {"line": "sha256:one", "age_seconds": 60}

two := {"line": "sha256:two", "age_seconds": 30}

missing(line) := {
	"msg": $"the emergency rollback {line} is not reviewed by anybody who took no part in it",
	"path": "",
	"needs": {"kind": "review"},
}

test_fail_unreviewed[note] if {
	some note, input_ in {"a promotion": testing.allowed, "an ordinary rollback": testing.rolled_back}
	denials := rule.deny with input as input_ with input.unreviewed as [one, two]
	denials == {missing("sha256:one"), missing("sha256:two")}
}

test_success_another_emergency if {
	target := object.union(testing.rolled_back.rollback[0], {"emergency": true})
	denials := rule.deny with input as testing.rolled_back
		with input.rollback as [target]
		with input.unreviewed as [one]
	denials == set()
}

test_success_reviewed if {
	denials := rule.deny with input as testing.allowed
	denials == set()
}
