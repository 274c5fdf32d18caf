# METADATA
# title: Weakened promotion rules
# description: |
#   A change that asks for less than the line that it replaces is pointed out. This promotion must still meet the
#   old rules as well, the next one need not (paper 6.7).
# custom:
#   code: P09
#   severity: medium
#   remediation: Look at what the change gives up; restore it, or let it be approved knowingly.
#   controls: [SOC2:CC8.1, ISO27001:8.32]
#   collections: [promotion]
#   waivable: true
package bspec.rules.promotion.all.rules_not_weakened

warn contains {"msg": $"the change asks for less: {item.what}", "path": item.path} if {
	some item in input.change.items
	item.verdict == "governance"
}
