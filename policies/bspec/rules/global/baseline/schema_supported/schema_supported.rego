# METADATA
# title: Schema supported
# description: |
#   The environment accepts the schema version that the intent declares (paper 6.3); a check asks whether any does.
# custom:
#   code: BAS-01
#   severity: critical
#   remediation: Declare a schema version that the environment supports.
#   controls: [SOC2:CC8.1, ISO27001:8.32]
#   collections: [baseline]
#   waivable: false
package bspec.rules.global.baseline.schema_supported

deny contains {"msg": $"{input.environment} does not accept schema {input.intent.schema}", "path": "/schema"} if {
	input.action != "check"
	not input.intent.schema in accepted
}

deny contains {"msg": $"no environment accepts schema {input.intent.schema}", "path": "/schema"} if {
	input.action == "check"
	not input.intent.schema in known
}

accepted contains s if {
	some e in data.bspec.org.environments
	e.id == input.environment
	some s in e.schemas
}

known contains s if {
	some e in data.bspec.org.environments
	some s in e.schemas
}
