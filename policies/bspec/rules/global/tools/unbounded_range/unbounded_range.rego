# METADATA
# title: Unbounded version range
# description: A range without an upper bound admits releases that nobody has seen.
# custom:
#   code: TOL-10
#   severity: low
#   remediation: Add an upper bound, such as ">=2.0,<3".
#   controls: [OWASP-MCP:MCP04]
#   collections: [tools]
#   waivable: true
package bspec.rules.global.tools.unbounded_range

warn contains {
	"msg": $"tool {t.id} accepts any release in {t.range.text}, without an upper bound",
	"path": $"{t.path}/version",
} if {
	some t in input.intent.tools
	not t.range.bounded
}
