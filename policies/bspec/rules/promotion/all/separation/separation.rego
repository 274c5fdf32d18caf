# METADATA
# title: Separation of duties
# description: |
#   The duties that the rules separate are different people's: who authors, who promotes, who evaluates. None of
#   them approves.
# custom:
#   code: P03
#   severity: critical
#   remediation: Let somebody else promote or evaluate.
#   controls: [SOC2:CC8.1, ISO27001:5.3, EU-AI-Act:14]
#   collections: [promotion]
#   waivable: false
package bspec.rules.promotion.all.separation

import data.bspec.lib.approvals
import data.bspec.lib.requirements

deny contains {
	"msg": $"{a.principal} is {a.duty} and {b.duty}, which are separate duties",
	"path": $"/promotion/{input.environment}/separation",
} if {
	some pair in [["author", "promoter"], ["author", "evaluator"], ["promoter", "evaluator"]]
	some a in held
	a.duty == pair[0]
	some b in held
	b.duty == pair[1]
	a.principal == b.principal
}

warn contains {
	"msg": $"{a.principal} holds another duty, so the approval as {a.role} does not count",
	"path": $"/promotion/{input.environment}/separation",
} if {
	some a in approvals.barred_approvals
}

# the duties that are separate here, and who has them
held contains {"duty": "author", "principal": p} if {
	"author" in requirements.separation
	some p in input.authors
}

held contains {"duty": "promoter", "principal": r.principal} if {
	"promoter" in requirements.separation
	some r in input.requester
}

held contains {"duty": "evaluator", "principal": p} if {
	"evaluator" in requirements.separation
	some pool in input.evidence
	some p in pool.evaluators
}
