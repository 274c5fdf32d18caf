# METADATA
# title: Soak time
# description: |
#   The predecessor environment has held this long enough, as the intent, the line that it replaces and the floor
#   demand.
# custom:
#   code: P18
#   severity: high
#   remediation: Wait until the soak time is over.
#   controls: [SOC2:CC7.2, AISVS:3.3.2, ISO42001:6.2.5]
#   collections: [promotion]
#   actions: [promote]
#   waivable: true
#   pending: soak
package bspec.rules.promotion.all.soak

import data.bspec.lib.requirements

deny contains {
	"msg": $"{p.environment} has held this for {p.age_seconds} of {s.seconds} seconds",
	"path": s.path,
	"needs": {"kind": "soak", "count": s.seconds - p.age_seconds},
} if {
	some s in requirements.soaks
	some p in input.predecessor
	p.age_seconds < s.seconds
}
