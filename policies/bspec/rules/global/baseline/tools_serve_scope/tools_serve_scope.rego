# METADATA
# title: Tools serve the scope
# description: |
#   Every tool says which in-scope entry it is there for; a tool that serves nothing is capability without purpose.
# custom:
#   code: BAS-05
#   severity: medium
#   remediation: Name the scope.in entries that the tool serves or remove the tool.
#   controls: [AISVS:9.5.1]
#   collections: [baseline]
#   waivable: true
package bspec.rules.global.baseline.tools_serve_scope

deny contains {"msg": $"tool {t.id} serves no scope entry", "path": $"{t.path}/serves"} if {
	some t in input.intent.tools
	count(t.serves) == 0
}

deny contains {"msg": $"tool {t.id} serves {s}, which is not in scope", "path": $"{t.path}/serves"} if {
	some t in input.intent.tools
	some s in t.serves
	not s in scope
}

scope contains i.id if some i in input.intent.scope.in
