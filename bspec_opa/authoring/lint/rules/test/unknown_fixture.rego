# METADATA
# title: Fixtures resolve
# description: |
#   A path into data.bspec.testing that leads nowhere is undefined: the test fails for another reason than it says, or a
#   negation in it passes.
# custom:
#   severity: error
package bspec.lint.test.unknown_fixture

import data.bspec.lint.lib.source

report contains {
	"msg": $"the fixture {concat(".", path)} is not there",
	"file": file,
	"row": node.location.row,
	"col": node.location.col,
	"hint": "spell it as bspec/testing does",
} if {
	input.tested
	some file, tree in input.files
	source.is_test(file)
	some node in references(tree)
	path := array.concat(["data", "bspec", "testing"], [$"{key}" | some key in below(tree, node)])
	keys := below(tree, node)
	count(keys) > 0

	# functions have no value; names that nothing defines are reference/undefined
	keys[0] in object.keys(input.fixtures)
	not leads_somewhere(keys)
}

leads_somewhere(keys) if object.get(input.fixtures, keys, "missing") == object.get(input.fixtures, keys, "lacking")

references(tree) := {node |
	walk(tree.rules, [_, node])
	is_object(node)
	node.type == "ref"
	node.location
}

# the constant steps of a reference below data.bspec.testing
below(tree, node) := [] if not inside(tree, node)

below(tree, node) := keys if {
	inside(tree, node)
	steps := array.slice(node.value, start(tree, node), count(node.value))
	moving := [index | some index, step in steps; not step.type in {"string", "number"}]
	end := min(array.concat(moving, [count(steps)]))
	keys := [step.value | some index, step in steps; index < end]
}

inside(tree, node) if start(tree, node)

start(tree, node) := 1 if node.value[0].value in names(tree)

start(_, node) := 3 if [step.value | some step in array.slice(node.value, 0, 3)] == ["data", "bspec", "testing"]

names(tree) := {object.get(item, "alias", "testing") |
	some item in tree.imports
	[step.value | some step in item.path.value] == ["data", "bspec", "testing"]
}
