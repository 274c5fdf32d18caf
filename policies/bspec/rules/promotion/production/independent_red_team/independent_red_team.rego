# METADATA
# title: Independent red team
# description: |
#   At tier high somebody independent of the authors has attacked the boundary before production (paper 6.9).
# custom:
#   code: P16
#   severity: high
#   remediation: Have an independent evaluator attest a red-team run on the boundary.
#   controls: [ISO42001:6.2.4, AISVS:6.1.4, EU-AI-Act:15]
#   collections: [promotion]
#   actions: [promote]
#   waivable: true
#   pending: evidence
package bspec.rules.promotion.production.independent_red_team

import data.bspec.lib.risk

deny contains {
	"msg": "boundary: no cases of an independent red team at tier high",
	"path": "/promotion/production/evidence",
	"needs": {"kind": "evidence", "question": "boundary", "method": "red-team", "count": 1},
} if {
	risk.tier == "high"
	count(attacked) == 0
}

attacked contains pool if {
	some pool in input.evidence
	pool.question == "boundary"
	pool.method == "red-team"
	pool.independent
	pool.cases > 0
}
