package bspec.rules.global.data.no_self_modification_test

import data.bspec.rules.global.data.no_self_modification as rule
import data.bspec.testing

found(value) := denials if {
	denials := rule.deny with input as testing.allowed with input.intent.constraints.self_modification as value
}

test_fail_self_modification if {
	found(true) == {{"msg": "the agent may modify itself", "path": "/constraints/self_modification"}}
}

test_success_none if found(false) == set()
