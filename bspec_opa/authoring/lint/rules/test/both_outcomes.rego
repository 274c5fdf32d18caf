# METADATA
# title: Both outcomes are tested
# description: |
#   A rule needs a test that expects findings and one that expects none. Tests are run against a silent rule and against
#   one that always finds something; so what they expect is known, whatever they are called. A test that replaces
#   anything but the input and data doesn't count: no bundle holds what it is about. What a failing test would expect is
#   not known, so nothing is said here of a rule before its tests pass.
# custom:
#   severity: error
package bspec.lint.test.both_outcomes

import data.bspec.lint.lib.source

wanted := {
	"findings": {"msg": "no test expects findings", "hint": "write a test in which the rule denies or warns"},
	"none": {"msg": "no test expects that nothing is found", "hint": "write a test in which the rule has nothing to say"},
}

report contains {
	"msg": say.msg,
	"file": file,
	"row": input.files[file]["package"].location.row,
	"col": input.files[file]["package"].location.col,
	"hint": hint(source.id(file), outcome),
} if {
	input.tested
	some file, _ in source.metadata
	tests := [test | some test in input.tests; test.rule == source.id(file)]
	every test in tests { test.expects != "failing" }
	some outcome, say in wanted
	expected := {test.expects |
		some test in tests
		test.stand_in == ""
	}
	count(expected & {outcome, "both"}) == 0
}

hint(id, outcome) := $"{name} puts something in place of {replaced}, so it doesn't count: replace parts of input" if {
	some name, replaced in stand_ins(id, outcome)
} else := wanted[outcome].hint

# the first test that would do, if it replaced nothing but the input and data
stand_ins(id, outcome) := {name: replaced |
	found := [test |
		some test in input.tests
		test.rule == id
		test.expects in {outcome, "both"}
	]
	name := found[0].name
	replaced := found[0].stand_in
}

# without a run it is known at least which rules have no test file
report contains {
	"msg": "the rule has no test",
	"file": file,
	"row": input.files[file]["package"].location.row,
	"col": input.files[file]["package"].location.col,
	"hint": "write one in which the rule denies or warns, and one in which it has nothing to say",
} if {
	not input.tested
	some file, _ in source.metadata
	not input.text[replace(file, ".rego", "_test.rego")]
}
