# METADATA
# title: Privilege floor
# description: |
#   No operation that the intent lists, or that a wildcard admits, needs more privilege than the tool declares; the
#   floor is known for each.
# custom:
#   code: TOL-06
#   severity: critical
#   remediation: Declare the privilege that the operation needs or drop the operation.
#   controls: [AISVS:9.3.3]
#   collections: [tools]
#   waivable: false
package bspec.rules.global.tools.privilege_floor

import data.bspec.lib.order

deny contains {
	"msg": $"tool {t.id}: operation {o.name} needs privilege {o.privilege_floor}, declared is {t.privilege}",
	"path": $"{t.path}/privilege",
} if {
	some b in input.binding
	some t in input.intent.tools
	some bound in b.tools
	bound.id == t.id
	some o in bound.operations
	admitted(o.name, t.wildcard, t.operations)
	order.privilege[o.privilege_floor] > order.privilege[t.privilege]
}

deny contains {
	"msg": $"tool {t.id}: the bound contract has no operation {name}",
	"path": $"{t.path}/operations",
} if {
	some b in input.binding
	some t in input.intent.tools
	not t.wildcard
	some bound in b.tools
	bound.id == t.id
	some name in t.operations
	not name in {o.name | some o in bound.operations}
}

admitted(_, true, _)

admitted(name, false, operations) if name in operations
