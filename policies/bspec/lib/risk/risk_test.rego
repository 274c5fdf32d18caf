package bspec.lib.risk_test

import data.bspec.lib.risk
import data.bspec.testing

judged(tier, previous) := found if {
	found := {"tier": risk.tier, "tiers": risk.tiers} with input as testing.allowed
		with input.intent.risk.tier as tier
		with input.requirements.previous_risk as [{"tier": t, "exposure": "customer"} | some t in previous]
}

test_tier[note] if {
	some note, case in {
		"first promotion": {"tier": "low", "previous": [], "want": "low"},
		"lowered": {"tier": "low", "previous": ["high"], "want": "high"},
		"lowered by one": {"tier": "low", "previous": ["medium"], "want": "medium"},
		"raised": {"tier": "high", "previous": ["medium"], "want": "high"},
		"as before": {"tier": "medium", "previous": ["medium"], "want": "medium"},
	}
	judged(case.tier, case.previous) == {
		"tier": case.want,
		"tiers": ({case.tier} | {t | some t in case.previous}),
	}
}
