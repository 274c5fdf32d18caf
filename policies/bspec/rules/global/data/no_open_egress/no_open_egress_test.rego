package bspec.rules.global.data.no_open_egress_test

import data.bspec.rules.global.data.no_open_egress as rule
import data.bspec.testing

found(tier, egress) := denials if {
	denials := rule.deny with input as testing.allowed
		with input.intent.risk.tier as tier
		with input.intent.constraints.network.egress as egress
}

test_fail_open[tier] if {
	some tier in ["medium", "high"]
	found(tier, "open") == {{
		"msg": $"network egress is open at tier {tier}",
		"path": "/constraints/network/egress",
	}}
}

test_success[note] if {
	some note, case in {
		"low": {"tier": "low", "egress": "open"},
		"allowlist": {"tier": "high", "egress": "allowlist"},
		"none": {"tier": "medium", "egress": "none"},
	}
	found(case.tier, case.egress) == set()
}

test_fail_tier_lowered_by_this_change if {
	findings := rule.deny with input as testing.allowed
		with input.intent.risk.tier as "low"
		with input.requirements.previous_risk as [{"tier": "high", "exposure": "customer"}]
		with input.intent.constraints.network.egress as "open"
	count(findings) == 1
}
