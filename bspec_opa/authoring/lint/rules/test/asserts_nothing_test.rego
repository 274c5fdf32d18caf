package bspec.lint.test.asserts_nothing_test

import data.bspec.lint.lib.example
import data.bspec.lint.test.asserts_nothing as rule

test_fail if {
	tests := [{"name": "test_x", "file": example.tests, "line": 4, "rule": "global.tools.extra", "expects": "nothing"}]
	rule.report == {{
		"msg": "test_x passes whatever global.tools.extra says", "file": example.tests, "row": 4, "col": 1,
		"hint": "compare the whole set: rule.deny == {...}",
	}} with input as object.union(example.lint_input, {"tests": tests})
}

test_success if rule.report == set() with input as example.lint_input
