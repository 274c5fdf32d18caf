# METADATA
# title: Resolved to identities
# description: Models, tools and components are bound to identities before anybody signs (paper 6.6).
# custom:
#   code: P21
#   severity: critical
#   remediation: Bind the intent with bspec-opa resolve.
#   controls: [SOC2:CC7.2, AISVS:3.3.2, ISO42001:6.2.5]
#   collections: [promotion]
#   waivable: false
#   pending: resolve
package bspec.rules.promotion.all.resolved

deny contains {
	"msg": "models, tools and components are not resolved to identities",
	"path": "",
	"needs": {"kind": "resolve"},
} if {
	count(input.binding) == 0
}
