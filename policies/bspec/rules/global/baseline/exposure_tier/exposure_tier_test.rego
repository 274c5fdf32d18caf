package bspec.rules.global.baseline.exposure_tier_test

import data.bspec.rules.global.baseline.exposure_tier as rule
import data.bspec.testing

floors := [
	{"exposure": "internal", "tier": "low"},
	{"exposure": "partner", "tier": "medium"},
	{"exposure": "customer", "tier": "high"},
]

found(exposure, tier, regimes) := denials if {
	risk := {"tier": tier, "exposure": exposure, "regimes": regimes}
	denials := rule.deny with input as testing.allowed
		with input.intent.risk as risk
		with data.bspec.org.exposure_floor as floors
}

test_fail_below_the_floor if {
	found("customer", "medium", []) == {{
		"msg": "exposure customer demands tier high or higher, not medium",
		"path": "/risk/tier",
	}}
}

test_fail_exposure_without_floor if {
	found("public", "high", []) == {{
		"msg": "the organisation's data has no tier for exposure public",
		"path": "/risk/exposure",
	}}
}

test_fail_regulated[tier] if {
	some tier in ["low", "medium"]
	found("internal", tier, ["eu-ai-act"]) == {{
		"msg": $"regime eu-ai-act demands tier high, not {tier}",
		"path": "/risk/tier",
	}}
}

test_success[note] if {
	some note, case in {
		"at the floor": {"exposure": "customer", "tier": "high", "regimes": []},
		"lowest": {"exposure": "internal", "tier": "low", "regimes": []},
		"above the floor": {"exposure": "partner", "tier": "high", "regimes": []},
		"regulated": {"exposure": "internal", "tier": "high", "regimes": ["eu-ai-act"]},
	}
	found(case.exposure, case.tier, case.regimes) == set()
}
