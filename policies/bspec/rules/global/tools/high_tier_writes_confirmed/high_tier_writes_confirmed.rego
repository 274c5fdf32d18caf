# METADATA
# title: High-tier writes confirmed
# description: At tier high a tool that writes, or more, is confirmed by a person when it does.
# custom:
#   code: TOL-05
#   severity: high
#   remediation: Set confirmation to on-write or always.
#   controls: [EU-AI-Act:14, ATLAS:AML.M0029]
#   collections: [tools]
#   waivable: true
package bspec.rules.global.tools.high_tier_writes_confirmed

import data.bspec.lib.order
import data.bspec.lib.risk

deny contains {
	"msg": $"tool {t.id} has privilege {t.privilege} at tier high and is never confirmed",
	"path": $"{t.path}/confirmation",
} if {
	risk.tier == "high"
	some t in input.intent.tools
	order.privilege[t.privilege] >= order.privilege.write
	t.confirmation == "never"
}
