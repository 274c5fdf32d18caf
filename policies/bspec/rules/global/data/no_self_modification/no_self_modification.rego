# METADATA
# title: No self-modification
# description: An agent may not change itself.
# custom:
#   code: DAT-08
#   severity: critical
#   remediation: Set constraints.self_modification to false.
#   controls: [AISVS:9.2.5, OWASP-ASI:ASI10]
#   collections: [data]
#   waivable: true
package bspec.rules.global.data.no_self_modification

deny contains {"msg": "the agent may modify itself", "path": "/constraints/self_modification"} if {
	input.intent.constraints.self_modification
}
