# METADATA
# title: The description says more
# description: A description that repeats the title explains nothing.
# custom:
#   severity: warning
package bspec.lint.metadata.title_is_description

import data.bspec.lint.lib.source

report contains source.finding(
	file,
	source.row(file, annotation, "description"),
	"the description is the title again",
	"say in a sentence what the rule demands",
) if {
	some file, annotation in source.metadata
	bare(annotation.title) == bare(annotation.description)
}

bare(text) := lower(regex.replace(text, `\W+`, ""))
