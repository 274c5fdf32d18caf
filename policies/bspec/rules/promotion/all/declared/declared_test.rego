package bspec.rules.promotion.all.declared_test

import data.bspec.rules.promotion.all.declared as rule
import data.bspec.testing

test_fail_not_declared if {
	denials := rule.deny with input as testing.allowed
		with input.requirements as {"declared": [], "previous": [testing.production], "previous_risk": []}
	denials == {{"msg": "the intent has no promotion rules for production", "path": "/promotion"}}
}

test_fail_other_environment if {
	denials := rule.deny with input as testing.allowed
		with input.requirements as {"declared": [testing.staging], "previous": [], "previous_risk": []}
	denials == {{"msg": "the intent has no promotion rules for production", "path": "/promotion"}}
}

test_success_declared if {
	denials := rule.deny with input as testing.allowed
	denials == set()
}
