# METADATA
# title: Elevated approvals
# description: |
#   Tools of some classes need further approvals from a privilege upwards, as the organisation decides (paper
#   9.5.2).
# custom:
#   code: P23
#   severity: critical
#   remediation: Ask the named role to run bspec-opa approve.
#   controls: [SOC2:CC8.1, ISO27001:8.32, EU-AI-Act:14]
#   collections: [promotion]
#   waivable: false
#   pending: approval
package bspec.rules.promotion.all.elevated_approvals

import data.bspec.lib.approvals
import data.bspec.lib.order

deny contains {
	"msg": $"{e.role}: {n} of {e.count} approvals for tool {t.id} (class {t.class}, privilege {t.privilege})",
	"path": $"{t.path}/privilege",
	"needs": {"kind": "approval", "role": e.role, "count": e.count - n},
} if {
	some e in data.bspec.org.elevated
	e.environment == input.environment
	some t in input.intent.tools
	t.class == e.class
	order.privilege[t.privilege] >= order.privilege[e.privilege]
	n := count(approvals.people(e.role))
	n < e.count
}
