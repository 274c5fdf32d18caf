# METADATA
# title: Approved by somebody else
# description: At least one approval that counts is by somebody who is not an author, whatever the intent asks for.
# custom:
#   code: P10
#   severity: critical
#   remediation: Ask somebody who is not an author to run bspec-opa approve.
#   controls: [SOC2:CC8.1, ISO27001:5.3, EU-AI-Act:14]
#   collections: [promotion]
#   waivable: false
#   pending: approval
package bspec.rules.promotion.all.non_author_approval

import data.bspec.lib.approvals
import data.bspec.lib.requirements

# an approval in a role that is asked for anyway serves both
deny contains {
	"msg": "0 of 1 approvals by somebody who is not an author",
	"path": "",
	"needs": {"kind": "approval", "role": min(roles), "count": 1},
} if {
	count(others) == 0
	count(roles) > 0
}

deny contains {
	"msg": "0 of 1 approvals by somebody who is not an author",
	"path": "",
	"needs": {"kind": "approval", "count": 1},
} if {
	count(others) == 0
	count(roles) == 0
}

roles contains r.role if some r in requirements.approvals

others contains a.principal if {
	some a in approvals.counted
	not a.principal in input.authors
}
