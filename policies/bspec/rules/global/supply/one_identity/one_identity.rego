# METADATA
# title: One identity for each reference
# description: |
#   Every declared tool, model class and component is bound exactly once, and nothing is bound that the intent does
#   not declare (paper 6.2.1, 6.6).
# custom:
#   code: SUP-01
#   severity: critical
#   remediation: Resolve the intent again with bspec-opa resolve.
#   controls: [NIST-800-53:cm-2]
#   collections: [supply]
#   waivable: false
package bspec.rules.global.supply.one_identity

deny contains {"msg": $"{d.kind} {d.id} is bound {n} times instead of once", "path": d.path} if {
	count(input.binding) > 0
	some d in declared
	n := count([1 | some b in bound; b.kind == d.kind; b.id == d.id])
	n != 1
}

deny contains {"msg": $"{b.kind} {b.id} is bound, but not declared", "path": ""} if {
	some b in bound
	count({d | some d in declared; d.kind == b.kind; d.id == b.id}) == 0
}

declared contains {"kind": "tool", "id": t.id, "path": t.path} if some t in input.intent.tools

declared contains {"kind": "model class", "id": c.id, "path": c.path} if some c in input.intent.models.classes

declared contains {"kind": "component", "id": c.id, "path": c.path} if some c in input.intent.components

bound contains {"kind": "tool", "id": t.id, "at": i} if some i, t in input.binding[0].tools

bound contains {"kind": "model class", "id": m.class, "at": i} if some i, m in input.binding[0].models

bound contains {"kind": "component", "id": c.id, "at": i} if some i, c in input.binding[0].components
