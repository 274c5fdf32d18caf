# METADATA
# title: Text for people
# description: Whoever is denied reads title, description and remediation; they have to say something.
# custom:
#   severity: error
package bspec.lint.metadata.placeholder

import data.bspec.lint.lib.source

report contains source.finding(
	file,
	source.row(file, annotation, member),
	$"{member} says nothing: {text}",
	"write what somebody who is denied can do with it",
) if {
	some file, annotation in source.metadata
	some member, text in texts(annotation)
	says_nothing(text)
}

texts(annotation) := {
	"title": object.get(annotation, "title", "given elsewhere"),
	"description": object.get(annotation, "description", "given elsewhere"),
	"remediation": object.get(annotation, ["custom", "remediation"], "given elsewhere"),
}

says_nothing(text) if regex.match(`(?i)^\W*(todo|tbd|tba|fixme|xxx|n/?a|none|placeholder|lorem ipsum)?\W*$`, text)

says_nothing(text) if regex.match(`(?i)^\W*(todo|tbd|fixme|fix it|fix this|describe|say|write)\b.*(\.\.\.|…|here)\W*$`, text)

says_nothing(text) if count(trim_space(text)) < 5
