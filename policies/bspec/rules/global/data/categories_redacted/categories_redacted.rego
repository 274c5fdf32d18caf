# METADATA
# title: Categories redacted in logs
# description: |
#   Where logs hold content, every data category of the agent that the organisation wants redacted is redacted.
# custom:
#   code: DAT-05
#   severity: high
#   remediation: Add the category to constraints.logging.redact.
#   controls: [ISO27001:8.11]
#   collections: [data]
#   waivable: true
package bspec.rules.global.data.categories_redacted

deny contains {
	"msg": $"data of category {category} is logged at level {input.intent.constraints.logging.level} without redaction",
	"path": "/constraints/logging/redact",
} if {
	input.intent.constraints.logging.level in {"full", "decision"}
	some category in input.intent.constraints.data.categories
	category in data.bspec.org.redacted_categories
	not category in input.intent.constraints.logging.redact
}
