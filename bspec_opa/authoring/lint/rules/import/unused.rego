# METADATA
# title: Imports are used
# description: An import that nothing uses is left over, or its use was misspelt.
# custom:
#   severity: error
package bspec.lint["import"].unused

report contains {
	"msg": $"the import {name} is used nowhere",
	"file": file,
	"row": item.location.row,
	"col": item.location.col,
	"hint": "remove it",
} if {
	some file, tree in input.files
	some item in tree.imports
	name := called(item)
	not name in used(tree)
}

called(item) := object.get(item, "alias", item.path.value[count(item.path.value) - 1].value)

used(tree) := {node.value |
	walk(tree.rules, [_, node])
	is_object(node)
	node.type == "var"
}
