# METADATA
# title: Tool data within the maximum
# description: No tool reaches data above the intent's own maximum.
# custom:
#   code: DAT-01
#   severity: high
#   remediation: Raise constraints.data.max, which is an expansion, or lower the tool's data.
#   controls: [ISO27001:5.12]
#   collections: [data]
#   waivable: true
package bspec.rules.global.data.tool_data_within_maximum

import data.bspec.lib.order

deny contains {
	"msg": $"tool {t.id} reaches {t.data} data; the maximum is {input.intent.constraints.data.max}",
	"path": $"{t.path}/data",
} if {
	some t in input.intent.tools
	order.sensitivity[t.data] > order.sensitivity[input.intent.constraints.data.max]
}
