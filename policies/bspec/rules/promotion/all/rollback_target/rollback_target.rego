# METADATA
# title: Rolled back without mutation
# description: |
#   A rollback redeploys one recorded line of this environment as it was: the same intent, surface and binding (paper
#   6.7). Anything else is a promotion.
# custom:
#   code: P19
#   severity: critical
#   remediation: Name the line to go back to, as bspec-opa history prints it, and change nothing.
#   controls: [SOC2:CC7.2, AISVS:3.3.2, ISO42001:6.2.5]
#   collections: [promotion]
#   actions: [rollback]
#   waivable: false
package bspec.rules.promotion.all.rollback_target

deny contains {"msg": "no line is named to go back to", "path": ""} if count(input.rollback) == 0

deny contains {"msg": $"this has another {part} than the line that it goes back to", "path": ""} if {
	some r in input.rollback
	some part, same in {"intent": r.same_intent, "surface": r.same_surface, "binding": r.same_binding}
	not same
}
