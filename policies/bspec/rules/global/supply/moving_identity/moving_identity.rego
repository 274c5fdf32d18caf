# METADATA
# title: No name that moves
# description: |
#   No model is bound to a name that its provider has pointed to something else, as far as the organisation knows of
#   it.
# custom:
#   code: SUP-02
#   severity: critical
#   remediation: Name a snapshot in the catalog, list the moving name under aliases, and resolve again.
#   controls: [NIST-800-53:cm-2]
#   collections: [supply]
#   waivable: false
package bspec.rules.global.supply.moving_identity

deny contains {
	"msg": $"model class {c.id} is bound to {m.provider}:{m.identity}, which may move ({moving.reason})",
	"path": c.path,
} if {
	some b in input.binding
	some c in input.intent.models.classes
	some m in b.models
	m.class == c.id
	some moving in data.bspec.org.moving
	moving.provider == m.provider
	moving.identity == m.identity
}
