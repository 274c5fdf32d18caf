# METADATA
# title: Time and steps limited
# description: The agent's time and steps are limited, and no limit is above the organisation's for the tier.
# custom:
#   code: DAT-07
#   severity: high
#   remediation: Set constraints.limits to what the task needs.
#   controls: [AISVS:9.1.1, OWASP-ASI:ASI08]
#   collections: [data]
#   waivable: true
package bspec.rules.global.data.limits_set

import data.bspec.lib.risk

deny contains {
	"msg": $"{s.name} is {s.value}; tier {risk.tier} admits {s.most}",
	"path": $"/constraints/limits/{s.name}",
} if {
	some s in set_limits
	s.value > s.most
	s.value < unlimited
}

deny contains {
	"msg": $"{s.name} is not limited; tier {risk.tier} admits {s.most}",
	"path": $"/constraints/limits/{s.name}",
} if {
	some s in set_limits
	s.value > s.most
	s.value == unlimited
}

deny contains {
	"msg": $"the organisation's data has no limits for tier {risk.tier}",
	"path": "/constraints/limits",
} if {
	count(set_limits) == 0
}

# the neutral value of a limit that nobody set
unlimited := 999999999999999

set_limits contains {
	"name": "request_seconds",
	"value": input.intent.constraints.limits.request_seconds,
	"most": l.request_seconds,
} if {
	some l in data.bspec.org.limits
	l.tier == risk.tier
}

set_limits contains {
	"name": "task_seconds",
	"value": input.intent.constraints.limits.task_seconds,
	"most": l.task_seconds,
} if {
	some l in data.bspec.org.limits
	l.tier == risk.tier
}

set_limits contains {
	"name": "max_steps",
	"value": input.intent.constraints.limits.max_steps,
	"most": l.max_steps,
} if {
	some l in data.bspec.org.limits
	l.tier == risk.tier
}
