package bspec.lint.test.both_outcomes_test

import data.bspec.lint.lib.example
import data.bspec.lint.test.both_outcomes as rule

found(outcomes) := told if {
	reports := rule.report with input as object.union(
		example.lint_input,
		{"tests": [{"rule": "global.tools.extra", "expects": e} | some e in outcomes]},
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
tested_by(body) := told if {
	source := concat("\n", [
		"package bspec.rules.global.tools.extra_test",
		"import data.bspec.lib.words",
		"import data.bspec.org as ours",
		"import data.bspec.rules.global.tools.extra as rule",
		"import data.bspec.testing",
		body,
		"test_success if rule.deny == set() with input as testing.allowed",
	])
	parsed := object.union(example.lint_input, {"files": {example.tests: rego.parse_module("x", source)}})
	told := {f.msg | some f in rule.report with input as parsed}
}

test_fail_stand_in[body] if {
	some body in [
		"test_fail if rule.deny == {1} with words.bad as {1}",
		"test_fail if rule.deny == {1} with data.bspec.lib.words.bad as {1}",
		"test_fail if rule.deny == {1} with rule.deny as {1}",
		"test_fail if rule.deny == {1} with input as testing.allowed with count as 1",
		"test_fail if rule.deny == {1} with ours.x as 1 with startswith as f",
		"test_fail if f(1)\nf(x) if g(x)\ng(x) if rule.deny == {x} with words.bad as {x}",
		"test_fail[c] if { some c in [1]; rule.deny == {c} with words.bad as {c} }",
	]
	tested_by(body) == {"no test expects findings"}
}

test_success_replaced[body] if {
	some body in [
		"test_fail if rule.deny == {1} with input.now_unix as 1 with ours.x as 1",
		"test_fail if rule.deny == {1} with data.bspec.org.x as 1 with data.bspec.build.revision as 2",
		"test_fail if rule.deny == {1} with testing.allowed as {}",
		"test_fail if f(1)\nf(x) if rule.deny == {x} with input as x\ng(x) if rule.deny == {x} with words.bad as {x}",
	]
	tested_by(body) == set()
}
