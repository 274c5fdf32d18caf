# METADATA
# title: Tool class forbidden at this privilege
# description: |
#   The organisation forbids tools of some classes from a privilege upwards, regardless of the approvals that were
#   obtained (paper 9.6).
# custom:
#   code: TOL-02
#   severity: critical
#   remediation: Lower the tool's privilege or remove the tool; no approval helps.
#   controls: [SOC2:CC6.1]
#   collections: [tools]
#   waivable: false
package bspec.rules.global.tools.forbidden_class

import data.bspec.lib.order

deny contains {
	"msg": $"tool {t.id}: class {t.class} may not have privilege {t.privilege} in this organisation ({f.reason})",
	"path": $"{t.path}/privilege",
} if {
	some t in input.intent.tools
	some f in data.bspec.org.forbidden
	t.class == f.class
	order.privilege[t.privilege] >= order.privilege[f.privilege]
}
