# METADATA
# title: Nothing left to do
# description: What METADATA says is shown to people and kept in records; unfinished text has no place there.
# custom:
#   severity: error
package bspec.lint.metadata.todo

import data.bspec.lint.lib.source

report contains source.finding(
	file,
	row,
	$"METADATA has something left to do: {word}",
	"do it, or keep the note elsewhere",
) if {
	some file, annotation in source.metadata
	some index, line in input.text[file]
	row := index + 1
	row >= annotation.location.row
	row < input.files[file]["package"].location.row
	some word in regex.find_n(`\b(TODO|FIXME|XXX)\b`, line, 1)
}
