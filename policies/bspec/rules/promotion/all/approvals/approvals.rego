# METADATA
# title: Approvals by role
# description: |
#   Every role has its number of distinct people, as the intent, the line that it replaces and the organisation's
#   floor demand. An approval counts only if it is in force and its signer saw this intent, binding, base and
#   change and, where the environment has a source, all of the evidence.
# custom:
#   code: P02
#   severity: critical
#   remediation: Ask the named role to run bspec-opa approve.
#   controls: [SOC2:CC8.1, ISO27001:8.32, EU-AI-Act:14]
#   collections: [promotion]
#   waivable: false
#   pending: approval
package bspec.rules.promotion.all.approvals

import data.bspec.lib.approvals
import data.bspec.lib.requirements

deny contains {
	"msg": $"{r.role}: {n} of {r.count} approvals",
	"path": r.path,
	"needs": {"kind": "approval", "role": r.role, "count": r.count - n},
} if {
	some r in requirements.approvals
	n := count(approvals.people(r.role))
	n < r.count
}
