# METADATA
# title: Emergencies are reviewed
# description: |
#   Before anything ordinary follows an emergency rollback, here or carried on from the source environment, somebody who
#   neither requested nor approved it has signed a review of it. Another emergency need not wait for that.
# custom:
#   code: P27
#   severity: critical
#   remediation: Have a reviewer who took no part in the emergency run bspec-opa review.
#   controls: [SOC2:CC8.1, ISO27001:5.3]
#   collections: [promotion]
#   waivable: false
#   pending: review
package bspec.rules.promotion.all.emergency_reviewed

import data.bspec.lib.requirements

deny contains {
	"msg": $"the emergency rollback {u.line} in {u.environment} is not reviewed by anybody who took no part in it",
	"path": "",
	"needs": {"kind": "review"},
} if {
	not requirements.emergency
	some u in input.unreviewed
}
