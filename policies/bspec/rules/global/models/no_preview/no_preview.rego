# METADATA
# title: No preview models
# description: |
#   A model that its provider calls a preview is bound only in environments that the organisation names for it.
# custom:
#   code: MOD-04
#   severity: high
#   remediation: Mark the preview deprecated in the catalog, name a released model and resolve again.
#   controls: [NIST-800-53:cm-3]
#   collections: [models]
#   waivable: true
package bspec.rules.global.models.no_preview

deny contains {
	"msg": $"model class {c.id} is bound to {m.identity}, a preview, which {input.environment} does not admit",
	"path": c.path,
} if {
	some b in input.binding
	some c in input.intent.models.classes
	some m in b.models
	m.class == c.id
	m.preview
	not input.environment in data.bspec.org.preview_environments
}
