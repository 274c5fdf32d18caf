# METADATA
# title: Identical to the predecessor
# description: |
#   What enters an environment is what its predecessor holds now: the same intent, surface and binding (paper 6.6).
# custom:
#   code: P17
#   severity: critical
#   remediation: Promote to the predecessor environment first; never resolve in between.
#   controls: [SOC2:CC7.2, AISVS:3.3.2, ISO42001:6.2.5]
#   collections: [promotion]
#   actions: [promote]
#   waivable: false
package bspec.rules.promotion.all.predecessor_identical

deny contains {
	"msg": $"nothing was promoted to the environment before {input.environment}; promote there first",
	"path": "/promotion",
} if {
	input.predecessor_expected
	count(input.predecessor) == 0
}

deny contains {"msg": $"{p.environment} holds another {part}; promote this one there first", "path": "/promotion"} if {
	some p in input.predecessor
	some part, same in {"intent": p.same_intent, "surface": p.same_surface, "binding": p.same_binding}
	not same
}
