# METADATA
# title: Operations named
# description: Above tier low every operation of a tool is named, so that a new one is a change that somebody reviews.
# custom:
#   code: TOL-01
#   severity: high
#   remediation: List the operations by name.
#   controls: [AISVS:9.5.1]
#   collections: [tools]
#   waivable: true
package bspec.rules.global.tools.wildcard_operations

import data.bspec.lib.risk

deny contains {
	"msg": $"tool {t.id} may use any operation at tier {risk.tier}",
	"path": $"{t.path}/operations",
} if {
	risk.tier != "low"
	some t in input.intent.tools
	any_operation(t.wildcard, t.operations)
}

any_operation(true, _)

any_operation(_, operations) if "*" in operations
