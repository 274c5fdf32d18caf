# METADATA
# title: Models run within the residency
# description: Every region in which a model may run, or is bound to run, lies within the residency of the agent's data.
# custom:
#   code: MOD-03
#   severity: high
#   remediation: Name regions within constraints.data.residency, or have the region added to the organisation's data.
#   controls: [NIST-800-53:sa-9]
#   collections: [models]
#   waivable: true
package bspec.rules.global.models.region_within_residency

deny contains {
	"msg": $"model class {c.id} may run in any region; residency is limited",
	"path": $"{c.path}/regions",
} if {
	limited
	some c in input.intent.models.classes
	"*" in c.regions
}

deny contains {
	"msg": $"model class {c.id}: region {region} does not lie within the residency",
	"path": $"{c.path}/regions",
} if {
	limited
	some c in input.intent.models.classes
	some region in c.regions
	region != "*"
	not region in within
}

deny contains {
	"msg": $"model class {c.id} is bound to {m.identity} without a known region",
	"path": $"{c.path}/regions",
} if {
	limited
	some b in input.binding
	some c in input.intent.models.classes
	some m in b.models
	m.class == c.id
	count(m.region) == 0
}

# a declared region was looked at already
deny contains {
	"msg": $"model class {c.id} is bound to region {region}, which does not lie within the residency",
	"path": $"{c.path}/regions",
} if {
	limited
	some b in input.binding
	some c in input.intent.models.classes
	some m in b.models
	m.class == c.id
	some region in m.region
	not region in c.regions
	not region in within
}

limited if not "*" in input.intent.constraints.data.residency

# regions are named as in the residency itself, or the organisation knows where a provider's lie
within contains region if some region in input.intent.constraints.data.residency

within contains r.region if {
	some r in data.bspec.org.regions
	r.residency in input.intent.constraints.data.residency
}
