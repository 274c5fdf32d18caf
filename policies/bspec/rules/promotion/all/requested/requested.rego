# METADATA
# title: Requested by a promoter
# description: A promoter has asked for exactly this promotion, and the request has not expired.
# custom:
#   code: P22
#   severity: critical
#   remediation: Have a promoter run bspec-opa request.
#   controls: [SOC2:CC8.1, ISO27001:8.32, EU-AI-Act:14]
#   collections: [promotion]
#   waivable: false
#   pending: request
package bspec.rules.promotion.all.requested

deny contains {"msg": "nobody has requested this promotion", "path": "", "needs": {"kind": "request"}} if {
	count(input.requester) == 0
}

deny contains {
	"msg": $"the request of {r.principal} is for something else than what is promoted",
	"path": "",
	"needs": {"kind": "request"},
} if {
	some r in input.requester
	not r.current
}

deny contains {"msg": $"the request of {r.principal} has expired", "path": "", "needs": {"kind": "request"}} if {
	some r in input.requester
	r.expires_unix <= input.now_unix
}
