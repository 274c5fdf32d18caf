# METADATA
# title: No administration
# description: No tool of an agent has privilege admin.
# custom:
#   code: TOL-03
#   severity: critical
#   remediation: Lower the tool's privilege to what its operations need.
#   controls: [NIST-800-53:ac-6]
#   collections: [tools]
#   waivable: true
package bspec.rules.global.tools.no_admin

deny contains {"msg": $"tool {t.id} has privilege admin", "path": $"{t.path}/privilege"} if {
	some t in input.intent.tools
	t.privilege == "admin"
}
