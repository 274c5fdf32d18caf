# METADATA
# title: Source
# description: What several lint rules ask of a policies folder.
package bspec.lint.lib.source

# every rule's file with the METADATA of its package
metadata[file] := annotation if {
	some file, tree in input.files
	is_rule(file)
	some annotation in tree.annotations
	annotation.scope == "package"
}

is_rule(file) if {
	startswith(file, "bspec/rules/")
	not is_test(file)
}

is_test(file) if endswith(file, "_test.rego")

# "global.tools.no_admin" of bspec/rules/global/tools/no_admin/no_admin.rego
id(file) := replace(trim_prefix(folder(file), "bspec/rules/"), "/", ".")

folder(file) := concat("/", array.slice(parts, 0, count(parts) - 1)) if parts := split(file, "/")

# the row of a member of METADATA, or of the block where the member stands in no line of its own
row(file, annotation, member) := min(rows) if {
	rows := {number |
		some index, line in input.text[file]
		number := index + 1
		number >= annotation.location.row
		regex.match(sprintf(`^#\s*%s:`, [member]), line)
	}
	count(rows) > 0
} else := annotation.location.row

# a column that points at what stands in a row after "# "
column(file, row) := count(regex.find_n(`^#?\s*`, input.text[file][row - 1], 1)[0]) + 1

finding(file, row, msg, hint) := {
	"msg": msg,
	"file": file,
	"row": row,
	"col": column(file, row),
	"hint": hint,
}
