# METADATA
# title: Restricted data never in shared memory
# description: An agent whose memory is shared between users reaches no restricted data.
# custom:
#   code: DAT-02
#   severity: critical
#   remediation: Set constraints.memory.policy to user or less, or keep restricted data from the agent.
#   controls: [OWASP-ASI:ASI06, ATLAS:AML.M0031]
#   collections: [data]
#   waivable: false
package bspec.rules.global.data.shared_memory

deny contains {
	"msg": "memory is shared between users, and restricted data is allowed",
	"path": "/constraints/memory/policy",
} if {
	input.intent.constraints.memory == "shared"
	input.intent.constraints.data.max == "restricted"
}

deny contains {
	"msg": $"memory is shared between users, and tool {t.id} reaches restricted data",
	"path": $"{t.path}/data",
} if {
	input.intent.constraints.memory == "shared"
	some t in input.intent.tools
	t.data == "restricted"
}
