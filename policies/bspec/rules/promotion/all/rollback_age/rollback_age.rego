# METADATA
# title: Not too old to go back to
# description: |
#   The line that a rollback goes back to was promoted here no longer ago than the intent in force, its own intent and
#   the floor allow. Going back to it before did not make it younger.
# custom:
#   code: P25
#   severity: high
#   remediation: Go back to a younger line, or promote that version again.
#   controls: [SOC2:CC7.2, AISVS:3.3.2, ISO42001:6.2.5]
#   collections: [promotion]
#   actions: [rollback]
#   waivable: true
package bspec.rules.promotion.all.rollback_age

import data.bspec.lib.requirements

deny contains {
	"msg": $"the line is {r.age_seconds} seconds old, and a rollback may go back {limit.seconds} seconds",
	"path": limit.path,
} if {
	some r in input.rollback
	some limit in requirements.rollback_ages
	r.age_seconds > limit.seconds
}
