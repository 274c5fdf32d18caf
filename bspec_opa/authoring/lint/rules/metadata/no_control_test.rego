package bspec.lint.metadata.no_control_test

import data.bspec.lint.lib.example
import data.bspec.lint.metadata.no_control as rule

test_fail if {
	rule.report == {{
		"msg": "the rule names no control", "file": example.file, "row": 7, "col": 5,
		"hint": "name the control that it serves, such as SOC2:CC8.1",
	}} with input as example.custom({"controls": []})
}

# where the member stands in no line of its own, the block is the place
test_fail_place if {
	changed := object.union(example.custom({"controls": []}), {"text": {example.file: ["# METADATA"]}})
	found := rule.report with input as changed
	[[f.row, f.col] | some f in found] == [[1, 3]]
}

test_success if rule.report == set() with input as example.lint_input
