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
	"hint": say.hint,
} if {
	input.tested
	some file, _ in source.metadata
	tests := [test | some test in input.tests; test.rule == source.id(file)]
	every test in tests { test.expects != "failing" }
	some outcome, say in wanted
	expected := {test.expects |
		some test in tests
		not uses_stand_in(test)
	}
	count(expected & {outcome, "both"}) == 0
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

# itself, or by a helper of its file
uses_stand_in(test) if {
	some name in graph.reachable(names[test.file], {test.name})
	some rule in input.files[test.file].rules
	name_of(rule) == name
	walk(rule, [_, node])
	some replaced in node["with"]
	not replaceable(input.files[test.file], replaced.target)
}

names[file][name] contains used if {
	some file in {test.file | some test in input.tests}
	some rule in input.files[file].rules
	name := name_of(rule)
	walk(rule, [_, node])
	node.type == "var"
	used := node.value
}

name_of(rule) := rule.head.ref[0].value

replaceable(tree, target) if {
	is_input_or_data([part.value | some part in target.value])
	not target.value[0].value in aliases(tree)
}

replaceable(tree, target) if {
	some item in tree.imports
	target.value[0].value == alias_of(item)
	is_input_or_data([part.value | some part in item.path.value])
}

is_input_or_data(path) if path[0] == "input"

is_input_or_data(path) if {
	array.slice(path, 0, 2) == ["data", "bspec"]
	path[2] in {"org", "build", "testing"}
}

aliases(tree) := {alias_of(item) | some item in tree.imports}

alias_of(item) := item.alias

alias_of(item) := item.path.value[count(item.path.value) - 1].value if not item.alias
