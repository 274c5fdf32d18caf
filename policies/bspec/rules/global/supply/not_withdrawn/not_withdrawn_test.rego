package bspec.rules.global.supply.not_withdrawn_test

import data.bspec.rules.global.supply.not_withdrawn as rule
import data.bspec.testing

withdrawal(kind, status) := {
	"kind": kind,
	"id": "billing_read_api",
	"release": "2.4.1",
	"status": status,
	"path": "/tools/0",
}

test_fail_withdrawn[note] if {
	some kind in ["tool", "model"]
	some status in ["yanked", "retired"]
	note := $"{kind} {status}"
	denials := rule.deny with input as testing.allowed with input.withdrawn as [withdrawal(kind, status)]
	denials == {{"msg": $"{kind} billing_read_api: release 2.4.1 is {status}", "path": "/tools/0"}}
}

test_fail_deprecated if {
	warnings := rule.warn with input as testing.allowed with input.withdrawn as [withdrawal("tool", "deprecated")]
	warnings == {{"msg": "tool billing_read_api: release 2.4.1 is deprecated", "path": "/tools/0"}}
}

test_success_deny[status] if {
	some status in ["active", "deprecated"]
	denials := rule.deny with input as testing.allowed with input.withdrawn as [withdrawal("tool", status)]
	denials == set()
}

test_success_warn[status] if {
	some status in ["active", "yanked", "retired"]
	warnings := rule.warn with input as testing.allowed with input.withdrawn as [withdrawal("tool", status)]
	warnings == set()
}
