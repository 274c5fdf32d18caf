# METADATA
# title: Untrusted input beside writing and egress
# description: |
#   An agent that reads from the open world, writes, and reaches a network can be steered by what it reads to write
#   or to send something; the combination is pointed out.
# custom:
#   code: TOL-09
#   severity: medium
#   remediation: Split the agent, close the reading tool's world, or set constraints.network.egress to none.
#   controls: [AISVS:9.3.5]
#   collections: [tools]
#   waivable: true
package bspec.rules.global.tools.untrusted_combination

import data.bspec.lib.order

warn contains {
	"msg": $"tool {r.id} reads from the open world while tool {w.id} writes and network egress is {egress}",
	"path": w.path,
} if {
	egress := input.intent.constraints.network.egress
	egress != "none"
	some r in input.intent.tools
	r.world == "open"
	order.privilege[r.privilege] >= order.privilege.read
	some w in input.intent.tools
	order.privilege[w.privilege] >= order.privilege.write
}
