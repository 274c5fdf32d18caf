# METADATA
# title: Contracts describe what operations take
# description: |
#   Above tier low a bound contract that names operations without saying what they take is pointed out: its digest
#   does not change when what it takes does.
# custom:
#   code: SUP-03
#   severity: medium
#   remediation: Import the tool's own document into the catalog instead of writing operations by hand.
#   controls: [AISVS:10.4.8, OWASP-MCP:MCP03, ATLAS:AML.T0110]
#   collections: [supply]
#   waivable: true
package bspec.rules.global.supply.contract_described

import data.bspec.lib.risk

warn contains {
	"msg": $"tool {t.id}: the contract ({bound.contract.kind}) names operations without what they take",
	"path": t.path,
} if {
	risk.tier != "low"
	some b in input.binding
	some t in input.intent.tools
	some bound in b.tools
	bound.id == t.id
	not bound.contract.described
}
