# METADATA
# title: Release in range
# description: Every bound tool release lies in the version range that the intent declares (paper 6.4).
# custom:
#   code: SUP-11
#   severity: critical
#   remediation: Resolve the intent again or change the range.
#   controls: [NIST-800-53:cm-2]
#   collections: [supply]
#   waivable: false
package bspec.rules.global.supply.in_range

deny contains {
	"msg": $"tool {t.id}: release {bound.release} does not lie in {t.range.text}",
	"path": $"{t.path}/version",
} if {
	some b in input.binding
	some t in input.intent.tools
	some bound in b.tools
	bound.id == t.id
	not bound.in_range
}
