# METADATA
# title: No open egress
# description: Above tier low an agent reaches no network or only hosts that are listed.
# custom:
#   code: DAT-06
#   severity: high
#   remediation: Set constraints.network.egress to allowlist and name the hosts.
#   controls: [ATLAS:AML.T0086]
#   collections: [data]
#   waivable: true
package bspec.rules.global.data.no_open_egress

import data.bspec.lib.risk

deny contains {
	"msg": $"network egress is open at tier {risk.tier}",
	"path": "/constraints/network/egress",
} if {
	risk.tier in {"medium", "high"}
	input.intent.constraints.network.egress == "open"
}
