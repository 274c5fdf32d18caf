package bspec.rules.global.baseline.schema_supported_test

import data.bspec.rules.global.baseline.schema_supported as rule
import data.bspec.testing

environments := [
	{"id": "staging", "schemas": ["behavior.intent/v1", "behavior.intent/v2"]},
	{"id": "production", "schemas": ["behavior.intent/v1"]},
]

test_fail_not_accepted[note] if {
	some note, case in {
		"newer": {"environment": "production", "schema": "behavior.intent/v2"},
		"unknown": {"environment": "staging", "schema": "behavior.intent/v3"},
		"environment without data": {"environment": "elsewhere", "schema": "behavior.intent/v1"},
	}
	denials := rule.deny with input as testing.allowed
		with input.environment as case.environment
		with input.intent.schema as case.schema
		with data.bspec.org.environments as environments
	denials == {{"msg": $"{case.environment} does not accept schema {case.schema}", "path": "/schema"}}
}

test_fail_check_of_unknown_schema if {
	denials := rule.deny with input as testing.allowed
		with input.action as "check"
		with input.environment as "none"
		with input.intent.schema as "behavior.intent/v3"
		with data.bspec.org.environments as environments
	denials == {{"msg": "no environment accepts schema behavior.intent/v3", "path": "/schema"}}
}

test_success_accepted[note] if {
	some note, case in {
		"production": {"action": "promote", "environment": "production", "schema": "behavior.intent/v1"},
		"staging": {"action": "rollback", "environment": "staging", "schema": "behavior.intent/v2"},
		"check": {"action": "check", "environment": "none", "schema": "behavior.intent/v2"},
	}
	denials := rule.deny with input as testing.allowed
		with input.action as case.action
		with input.environment as case.environment
		with input.intent.schema as case.schema
		with data.bspec.org.environments as environments
	denials == set()
}
