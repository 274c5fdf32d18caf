# METADATA
# title: effective_on is near
# description: |
#   A date that is a year past changes nothing any more; one that is three years ahead is a rule that never denies.
# custom:
#   severity: warning
package bspec.lint.metadata.stale_effective_on

import data.bspec.lint.lib.source

day := 86400

report contains source.finding(
	file,
	source.row(file, annotation, "effective_on"),
	$"effective_on {annotation.custom.effective_on} is {said}",
	hint,
) if {
	some file, annotation in source.metadata
	age := input.now_unix - moment(annotation.custom.effective_on)
	some said, hint in far(age)
}

moment(text) := time.parse_rfc3339_ns(text) / 1000000000 if {
	regex.match(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$`, text)
}

far(age) := {"more than a year past": "remove it: the rule is in force"} if age > 365 * day

far(age) := {"more than three years ahead": "until then the rule only warns; is the year right?"} if age < (-3 * 365) * day
