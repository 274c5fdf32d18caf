# METADATA
# title: Delegates are current
# description: Every agent that this one may delegate to has a current line of its own in the environment.
# custom:
#   code: DAT-09
#   severity: high
#   remediation: Promote the delegate to the environment first, or remove it from constraints.delegation.
#   controls: [OWASP-ASI:ASI07, AISVS:9.5.5]
#   collections: [data]
#   waivable: true
package bspec.rules.global.data.delegates_current

deny contains {
	"msg": $"agent {d.agent} has no current line in {input.environment}",
	"path": d.path,
} if {
	some d in input.delegates
	not d.current
}
