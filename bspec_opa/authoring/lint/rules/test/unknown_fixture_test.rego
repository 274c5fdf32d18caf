package bspec.lint.test.unknown_fixture_test

import data.bspec.lint.lib.example
import data.bspec.lint.test.unknown_fixture as rule

step(value) := {"type": "number", "value": value} if is_number(value)

step(value) := {"type": "string", "value": value} if is_string(value)

step(value) := {"type": "var", "value": value[0]} if is_array(value)

imported := {"path": {"value": [{"value": p} | some p in ["data", "bspec", "testing"]]}}

found(steps, alias) := told if {
	reports := rule.report with input as object.union(example.lint_input, {"files": {example.tests: {
		"imports": [object.union(imported, {"alias": a | some a in alias})],
		"rules": [{"type": "ref", "location": {"row": 7, "col": 2}, "value": [step(s) | some s in steps]}],
	}}})
	told := {f.msg | some f in reports}
}

test_fail if {
	found([["testing"], "allowed", "nonse"], []) == {"the fixture data.bspec.testing.allowed.nonse is not there"}
	found([["fixtures"], "allowed", "tools", 1], ["fixtures"]) == {"the fixture data.bspec.testing.allowed.tools.1 is not there"}
	found([["data"], "bspec", "testing", "allowed", "x", ["_"]], []) == {"the fixture data.bspec.testing.allowed.x is not there"}
}

test_success if {
	found([["testing"], "allowed", "nonce"], []) == set()
	found([["testing"], "allowed", "tools", 0, "id"], []) == set()
	found([["testing"], "allowed", "tools", ["_"], "di"], []) == set()
	found([["testing"], "a_function"], []) == set()
	found([["other"], "allowed", "nonse"], []) == set()
	found([["testing"]], []) == set()
}
