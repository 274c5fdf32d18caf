# METADATA
# title: Frameworks are known
# description: A control is FRAMEWORK:ID; a misspelt framework is found by no report of controls.
# custom:
#   severity: warning
package bspec.lint.metadata.unknown_framework

import data.bspec.lint.lib.source

known := {
	"AISVS", "ATLAS", "CIS", "EU-AI-Act", "GDPR", "HIPAA", "INTERNAL", "ISO27001", "ISO42001", "NIST-800-53", "NIST-AI-RMF",
	"NIST-SSDF", "OWASP-ASI", "OWASP-LLM", "OWASP-MCP", "PCI-DSS", "SLSA", "SOC2",
}

report contains source.finding(
	file,
	source.row(file, annotation, "controls"),
	$"{control} is of no framework that is known",
	concat("", ["write FRAMEWORK:ID, with one of ", concat(", ", sort(known))]),
) if {
	some file, annotation in source.metadata
	some control in annotation.custom.controls
	not split(control, ":")[0] in known
}

report contains source.finding(
	file,
	source.row(file, annotation, "controls"),
	$"{control} names no control of its framework",
	"write FRAMEWORK:ID, such as SOC2:CC8.1",
) if {
	some file, annotation in source.metadata
	some control in annotation.custom.controls
	split(control, ":")[0] in known
	not regex.match(`^[^:]+:\S`, control)
}
