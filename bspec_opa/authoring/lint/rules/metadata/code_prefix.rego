# METADATA
# title: One prefix a collection
# description: People know a rule by its code; a prefix that two collections share tells them the wrong place.
# custom:
#   severity: warning
package bspec.lint.metadata.code_prefix

import data.bspec.lint.lib.source

report contains source.finding(
	file,
	source.row(file, annotation, "code"),
	$"the prefix {prefix(annotation)} belongs to {other}",
	$"take a prefix of its own for the rules of {group(file)}",
) if {
	some file, annotation in source.metadata
	others := {group(f) | some f, a in source.metadata; prefix(a) == prefix(annotation)} - {group(file)}
	some other in others

	# whoever has more rules with the prefix keeps it; of equals the first by name
	[-1 * users(prefix(annotation), other), other] < [-1 * users(prefix(annotation), group(file)), group(file)]
}

users(name, where) := count({f | some f, a in source.metadata; group(f) == where; prefix(a) == name})

prefix(annotation) := regex.find_n(`^[A-Z]+`, annotation.custom.code, 1)[0]

# promotion rules are one collection, whatever their environments are
group(file) := "promotion" if startswith(file, "bspec/rules/promotion/")

group(file) := concat("/", array.slice(split(file, "/"), 2, 4)) if startswith(file, "bspec/rules/global/")
