# METADATA
# title: Execution confirmed
# description: A tool that executes, or more, is confirmed by a person every time.
# custom:
#   code: TOL-04
#   severity: high
#   remediation: Set confirmation to always.
#   controls: [AISVS:9.2.1, OWASP-ASI:ASI05]
#   collections: [tools]
#   waivable: true
package bspec.rules.global.tools.execute_confirmed

import data.bspec.lib.order

deny contains {
	"msg": $"tool {t.id} has privilege {t.privilege} and confirmation {t.confirmation}, not always",
	"path": $"{t.path}/confirmation",
} if {
	some t in input.intent.tools
	order.privilege[t.privilege] >= order.privilege.execute
	t.confirmation != "always"
}
