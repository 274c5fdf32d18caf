# METADATA
# title: High tier logs in full
# description: At tier high the logging level is full.
# custom:
#   code: DAT-03
#   severity: high
#   remediation: Set constraints.logging.level to full.
#   controls: [EU-AI-Act:12, ISO42001:6.2.8]
#   collections: [data]
#   waivable: true
package bspec.rules.global.data.high_tier_logs_full

import data.bspec.lib.risk

deny contains {
	"msg": $"tier high demands logging level full, not {input.intent.constraints.logging.level}",
	"path": "/constraints/logging/level",
} if {
	risk.tier == "high"
	input.intent.constraints.logging.level != "full"
}
