# METADATA
# title: Submitted by an author
# description: An author has signed exactly this intent and binding.
# custom:
#   code: P01
#   severity: critical
#   remediation: Have an author run bspec-opa submit.
#   controls: [SOC2:CC8.1, ISO27001:8.32, EU-AI-Act:14]
#   collections: [promotion]
#   actions: [promote]
#   waivable: false
#   pending: submit
package bspec.rules.promotion.all.submitted

deny contains {"msg": "nobody has submitted this version", "path": "", "needs": {"kind": "submit"}} if {
	count(current) == 0
}

current contains s.principal if {
	some s in input.submits
	s.current
	s.principal in input.authors
}
