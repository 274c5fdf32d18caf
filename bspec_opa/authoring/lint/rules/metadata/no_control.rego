# METADATA
# title: A rule serves a control
# description: An auditor asks which control a rule serves; one that names none can't be told.
# custom:
#   severity: warning
package bspec.lint.metadata.no_control

import data.bspec.lint.lib.source

report contains source.finding(
	file,
	source.row(file, annotation, "controls"),
	"the rule names no control",
	"name the control that it serves, such as SOC2:CC8.1",
) if {
	some file, annotation in source.metadata
	count(annotation.custom.controls) == 0
}
