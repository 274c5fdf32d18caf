# METADATA
# title: Not withdrawn
# description: Nothing bound has been yanked or retired since; something deprecated is a warning.
# custom:
#   code: SUP-05
#   severity: high
#   remediation: Resolve the intent again, so that it binds an active release.
#   controls: [NIST-800-53:sa-22]
#   collections: [supply]
#   waivable: true
package bspec.rules.global.supply.not_withdrawn

deny contains {"msg": $"{w.kind} {w.id}: release {w.release} is {w.status}", "path": w.path} if {
	some w in input.withdrawn
	w.status in {"yanked", "retired"}
}

warn contains {"msg": $"{w.kind} {w.id}: release {w.release} is deprecated", "path": w.path} if {
	some w in input.withdrawn
	w.status == "deprecated"
}
