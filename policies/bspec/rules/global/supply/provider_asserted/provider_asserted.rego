# METADATA
# title: Provider-asserted identity
# description: |
#   At tier high a model whose identity rests on the word of its provider, not on its content, is pointed out.
# custom:
#   code: SUP-06
#   severity: medium
#   remediation: Prefer a model that is identified by the digest of its content.
#   controls: [ISO42001:10.3]
#   collections: [supply]
#   waivable: true
package bspec.rules.global.supply.provider_asserted

import data.bspec.lib.risk

warn contains {
	"msg": $"model class {c.id}: {m.provider} asserts the identity {m.identity}, no digest proves it",
	"path": c.path,
} if {
	risk.tier == "high"
	some b in input.binding
	some c in input.intent.models.classes
	some m in b.models
	m.class == c.id
	m.immutability == "provider-asserted"
}
