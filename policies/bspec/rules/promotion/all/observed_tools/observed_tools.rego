# METADATA
# title: Observed tools declared
# description: No evaluation saw the agent use a tool or operation that the intent does not declare (paper 6.9).
# custom:
#   code: P15
#   severity: critical
#   remediation: Declare the operation, or keep the agent from it and bind it anew.
#   controls: [ISO42001:6.2.4, AISVS:6.1.4, EU-AI-Act:15]
#   collections: [promotion]
#   waivable: true
package bspec.rules.promotion.all.observed_tools

deny contains {"msg": $"{used} was used in an evaluation, but is not declared", "path": "/tools"} if {
	some pool in input.evidence
	some used in pool.undeclared_tools
}
