package bspec.lint.test.both_outcomes_test

import data.bspec.lint.lib.example
import data.bspec.lint.test.both_outcomes as rule

found(outcomes) := told if {
	reports := rule.report with input as object.union(
		example.lint_input,
		{"tests": [{"rule": "global.tools.extra", "expects": e, "stand_in": ""} | some e in outcomes]},
	)
	told := {f.msg | some f in reports}
}

test_fail if {
	found(["findings"]) == {"no test expects that nothing is found"}
	found(["none"]) == {"no test expects findings"}
	found(["nothing"]) == {"no test expects findings", "no test expects that nothing is found"}
	found([]) == {"no test expects findings", "no test expects that nothing is found"}
}

test_fail_place if {
	rule.report == {{
		"msg": "the rule has no test", "file": example.file, "row": 9, "col": 1,
		"hint": "write one in which the rule denies or warns, and one in which it has nothing to say",
	}} with input as object.union(json.remove(example.lint_input, [["text", example.tests]]), {"tested": false})
}

# that it fails is told; what it would expect when it passes, nobody knows
test_success_failing if {
	found(["failing"]) == set()
	found(["nothing", "failing"]) == set()
	found(["none", "failing"]) == set()
}

test_success if {
	rule.report == set() with input as example.lint_input
	found(["both"]) == set()
}

# what could not be run is no finding, as long as there is a test
test_success_not_run if {
	rule.report == set() with input as object.union(example.lint_input, {"tested": false, "tests": []})
}

# what a test finds with something in place of a library, a rule or a builtin, no bundle would find
test_fail_stand_in if {
	tests := [
		{"name": "test_fail", "rule": "global.tools.extra", "expects": "both", "stand_in": "data.bspec.lib.words.bad"},
		{"name": "test_success", "rule": "global.tools.extra", "expects": "none", "stand_in": ""},
	]
	found := rule.report with input as object.union(example.lint_input, {"tests": tests})
	{[f.msg, f.hint] | some f in found} == {[
		"no test expects findings",
		"test_fail puts something in place of data.bspec.lib.words.bad, so it doesn't count: replace parts of input",
	]}
}
