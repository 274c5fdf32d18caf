# METADATA
# title: Irreversible operations named
# description: Whatever the tier, every operation of a tool whose effects nobody can undo is named one by one.
# custom:
#   code: TOL-07
#   severity: critical
#   remediation: List the operations by name, or declare how their effects are undone.
#   controls: [AISVS:9.2.3]
#   collections: [tools]
#   waivable: false
package bspec.rules.global.tools.irreversible_named

deny contains {
	"msg": $"tool {t.id} is irreversible and may use any operation",
	"path": $"{t.path}/operations",
} if {
	some t in input.intent.tools
	t.reversibility == "irreversible"
	any_operation(t.wildcard, t.operations)
}

any_operation(true, _)

any_operation(_, operations) if "*" in operations
