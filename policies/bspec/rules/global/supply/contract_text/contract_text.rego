# METADATA
# title: Contract text without traps
# description: A bound contract whose text holds characters that nobody sees, or orders to the model, is pointed out.
# custom:
#   code: SUP-10
#   severity: high
#   remediation: Read the operation's description and schemas; ask the publisher or use another tool.
#   controls: [AISVS:10.4.2]
#   collections: [supply]
#   waivable: true
package bspec.rules.global.supply.contract_text

warn contains {"msg": $"tool {t.id}: the text of operation {s.operation} holds {kinds[s.what]}", "path": t.path} if {
	some b in input.binding
	some t in input.intent.tools
	some bound in b.tools
	bound.id == t.id
	some s in bound.contract.suspicions
}

kinds := {
	"hidden-character": "characters that nobody sees",
	"instruction": "what reads like an order to the model",
}
