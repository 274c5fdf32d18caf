package bspec.rules.global.data.high_tier_logs_full_test

import data.bspec.rules.global.data.high_tier_logs_full as rule
import data.bspec.testing

found(tier, level) := denials if {
	denials := rule.deny with input as testing.allowed
		with input.intent.risk.tier as tier
		with input.intent.constraints.logging.level as level
}

test_fail[level] if {
	some level in ["decision", "metadata", "none"]
	found("high", level) == {{
		"msg": $"tier high demands logging level full, not {level}",
		"path": "/constraints/logging/level",
	}}
}

test_success[note] if {
	some note, case in {
		"full": {"tier": "high", "level": "full"},
		"lower tier": {"tier": "medium", "level": "none"},
	}
	found(case.tier, case.level) == set()
}

test_fail_tier_lowered_by_this_change if {
	findings := rule.deny with input as testing.allowed
		with input.intent.risk.tier as "low"
		with input.requirements.previous_risk as [{"tier": "high", "exposure": "customer"}]
		with input.intent.constraints.logging.level as "none"
	count(findings) == 1
}
