# METADATA
# title: Open-world tools kept from sensitive data
# description: |
#   A tool that reaches parties outside the organisation reaches no data above the organisation's bound for such
#   tools.
# custom:
#   code: TOL-08
#   severity: high
#   remediation: Lower the tool's data, or declare world closed where the tool reaches nobody outside.
#   controls: [ATLAS:AML.T0086]
#   collections: [tools]
#   waivable: true
package bspec.rules.global.tools.open_world_data

import data.bspec.lib.order

deny contains {
	"msg": $"tool {t.id} reaches the open world and {t.data} data; {data.bspec.org.open_world_data} is the most there",
	"path": $"{t.path}/data",
} if {
	some t in input.intent.tools
	t.world == "open"
	order.sensitivity[t.data] > order.sensitivity[data.bspec.org.open_world_data]
}
