# METADATA
# title: Logs kept as the regime demands
# description: Logs are written and kept at least as long as the agent's regimes demand.
# custom:
#   code: DAT-04
#   severity: high
#   remediation: Raise constraints.logging.retention_days and log something.
#   controls: [EU-AI-Act:26(6)]
#   collections: [data]
#   waivable: true
package bspec.rules.global.data.regime_log_retention

deny contains {
	"msg": $"regime {r.regime} demands logs for {r.days} days, not {input.intent.constraints.logging.retention_days}",
	"path": "/constraints/logging/retention_days",
} if {
	some r in data.bspec.org.log_retention
	r.regime in input.intent.risk.regimes
	input.intent.constraints.logging.retention_days < r.days
}

deny contains {
	"msg": $"regime {r.regime} demands logs, and nothing is logged",
	"path": "/constraints/logging/level",
} if {
	some r in data.bspec.org.log_retention
	r.regime in input.intent.risk.regimes
	input.intent.constraints.logging.level == "none"
}
