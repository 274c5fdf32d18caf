# METADATA
# title: Publisher allowed
# description: Every bound tool comes from a publisher that the organisation allows.
# custom:
#   code: SUP-04
#   severity: high
#   remediation: Use a tool of an allowed publisher or have the publisher added to the organisation data.
#   controls: [AISVS:10.1.2, OWASP-MCP:MCP09]
#   collections: [supply]
#   waivable: true
package bspec.rules.global.supply.publisher_allowed

deny contains {"msg": $"tool {t.id}: publisher {bound.publisher} is not allowed", "path": t.path} if {
	not "*" in data.bspec.org.publishers
	some b in input.binding
	some t in input.intent.tools
	some bound in b.tools
	bound.id == t.id
	not bound.publisher in data.bspec.org.publishers
}
