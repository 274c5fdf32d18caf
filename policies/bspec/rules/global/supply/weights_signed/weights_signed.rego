# METADATA
# title: Own weights signed
# description: From the organisation's tier on, a model that is identified by its content has a signature on record.
# custom:
#   code: SUP-07
#   severity: high
#   remediation: Sign the weights, note the signature's digest in the catalog and resolve again.
#   controls: [AISVS:3.1.3, ATLAS:AML.M0013]
#   collections: [supply]
#   waivable: true
package bspec.rules.global.supply.weights_signed

import data.bspec.lib.order
import data.bspec.lib.risk

deny contains {
	"msg": $"model class {c.id}: no signature is on record for {m.identity} ({m.kind})",
	"path": c.path,
} if {
	order.tier[risk.tier] >= order.tier[data.bspec.org.signed_weights_tier]
	some b in input.binding
	some c in input.intent.models.classes
	some m in b.models
	m.class == c.id
	m.immutability == "content"
	count(m.signature) == 0
}
