# METADATA
# title: Emergencies are provided for
# description: |
#   An emergency rollback needs the quorum that the organisation has set for this environment, instead of the ordinary
#   approvals. Where it has set none, there are no emergencies.
# custom:
#   code: P26
#   severity: critical
#   remediation: Roll back with the ordinary approvals, or have the organisation set a quorum for emergencies.
#   controls: [SOC2:CC8.1, ISO27001:8.32]
#   collections: [promotion]
#   actions: [rollback]
#   waivable: false
package bspec.rules.promotion.all.emergency_quorum

import data.bspec.lib.requirements

deny contains {"msg": $"the organisation has no quorum for emergencies in {input.environment}", "path": ""} if {
	requirements.emergency
	count(quorums) == 0
}

quorums contains e if {
	some e in data.bspec.org.emergency
	e.environment == input.environment
}
