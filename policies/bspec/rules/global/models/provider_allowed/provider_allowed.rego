# METADATA
# title: Model provider allowed
# description: |
#   Every model class names its providers, only ones that the organisation allows, and is bound to one of them.
# custom:
#   code: MOD-01
#   severity: high
#   remediation: Name allowed providers in models.classes[].providers.
#   controls: [ISO42001:10.3]
#   collections: [models]
#   waivable: true
package bspec.rules.global.models.provider_allowed

deny contains {"msg": $"model class {c.id} names no provider", "path": $"{c.path}/providers"} if {
	some c in input.intent.models.classes
	count(c.providers) == 0
}

deny contains {"msg": $"model class {c.id} admits any provider", "path": $"{c.path}/providers"} if {
	some c in input.intent.models.classes
	"*" in c.providers
	not "*" in data.bspec.org.providers
}

deny contains {"msg": $"model class {c.id}: provider {p} is not allowed", "path": $"{c.path}/providers"} if {
	some c in input.intent.models.classes
	some p in c.providers
	p != "*"
	not allowed(p, data.bspec.org.providers)
}

deny contains {
	"msg": $"model class {c.id} is bound to provider {m.provider}, which it does not name",
	"path": $"{c.path}/providers",
} if {
	some b in input.binding
	some c in input.intent.models.classes
	some m in b.models
	m.class == c.id
	not allowed(m.provider, c.providers)
}

allowed(_, list) if "*" in list

allowed(provider, list) if provider in list
