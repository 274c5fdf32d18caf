# METADATA
# title: Exposure demands a tier
# description: |
#   The risk tier is at least the organisation's floor for the agent's exposure; a regulated agent is of tier high.
# custom:
#   code: BAS-02
#   severity: high
#   remediation: Raise risk.tier to the floor.
#   controls: [EU-AI-Act:9]
#   collections: [baseline, tier_guard]
#   waivable: false
package bspec.rules.global.baseline.exposure_tier

import data.bspec.lib.order

deny contains {
	"msg": $"exposure {f.exposure} demands tier {f.tier} or higher, not {input.intent.risk.tier}",
	"path": "/risk/tier",
} if {
	some f in data.bspec.org.exposure_floor
	f.exposure == input.intent.risk.exposure
	order.tier[input.intent.risk.tier] < order.tier[f.tier]
}

deny contains {
	"msg": $"the organisation's data has no tier for exposure {input.intent.risk.exposure}",
	"path": "/risk/exposure",
} if {
	not input.intent.risk.exposure in floored
}

deny contains {"msg": $"regime {r} demands tier high, not {input.intent.risk.tier}", "path": "/risk/tier"} if {
	some r in input.intent.risk.regimes
	input.intent.risk.tier != "high"
}

floored contains f.exposure if some f in data.bspec.org.exposure_floor
