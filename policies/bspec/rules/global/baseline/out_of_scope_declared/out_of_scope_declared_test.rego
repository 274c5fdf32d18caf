package bspec.rules.global.baseline.out_of_scope_declared_test

import data.bspec.rules.global.baseline.out_of_scope_declared as rule
import data.bspec.testing

test_fail_nothing_out_of_scope if {
	denials := rule.deny with input as testing.allowed with input.intent.scope.out as []
	denials == {{"msg": "nothing is declared out of scope", "path": "/scope/out"}}
}

test_success_declared if {
	denials := rule.deny with input as testing.allowed
	denials == set()
}
