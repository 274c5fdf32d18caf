package bspec.rules.promotion.all.emergency_reviewed_test

import data.bspec.rules.promotion.all.emergency_reviewed as rule
import data.bspec.testing

one := {"line": "sha256:one", "environment": "production", "age_seconds": 60}

two := {"line": "sha256:two", "environment": "staging", "age_seconds": 30}

missing(line, environment) := {
	"msg": $"the emergency rollback {line} in {environment} is not reviewed by anybody who took no part in it",
	"path": "",
	"needs": {"kind": "review"},
}

test_fail_unreviewed[note] if {
	some note, input_ in {"a promotion": testing.allowed, "an ordinary rollback": testing.rolled_back}
	denials := rule.deny with input as input_ with input.unreviewed as [one, two]
	denials == {missing("sha256:one", "production"), missing("sha256:two", "staging")}
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
