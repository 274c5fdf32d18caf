# METADATA
# title: Outside a freeze
# description: The promotion lies in no freeze of the intent, of the line that it replaces or of the floor.
# custom:
#   code: P24
#   severity: high
#   remediation: Wait until the freeze is over.
#   controls: [SOC2:CC7.2, AISVS:3.3.2, ISO42001:6.2.5]
#   collections: [promotion]
#   actions: [promote]
#   waivable: true
package bspec.rules.promotion.all.not_frozen

import data.bspec.lib.requirements

deny contains {"msg": $"promotions to {input.environment} are frozen now", "path": path} if {
	some path in requirements.freezes
}
