# METADATA
# title: Promotion rules declared
# description: The intent states promotion rules for the environment that it is promoted to.
# custom:
#   code: P00
#   severity: critical
#   remediation: Add the environment under promotion in the intent.
#   controls: [SOC2:CC8.1, ISO27001:8.32, EU-AI-Act:14]
#   collections: [promotion]
#   waivable: false
package bspec.rules.promotion.all.declared

deny contains {"msg": $"the intent has no promotion rules for {input.environment}", "path": "/promotion"} if {
	not input.environment in declared
}

declared contains p.environment if some p in input.requirements.declared
