# METADATA
# title: Scope disjoint
# description: No action is both in and out of scope.
# custom:
#   code: BAS-04
#   severity: high
#   remediation: Remove the action from scope.in or from scope.out.
#   controls: [OWASP-ASI:ASI02]
#   collections: [baseline]
#   waivable: true
package bspec.rules.global.baseline.scope_disjoint

deny contains {
	"msg": $"{action} is in scope ({i.id}) and out of scope ({o.id})",
	"path": $"{i.path}/actions",
} if {
	some i in input.intent.scope.in
	some o in input.intent.scope.out
	some action in i.actions
	action in o.actions
}
