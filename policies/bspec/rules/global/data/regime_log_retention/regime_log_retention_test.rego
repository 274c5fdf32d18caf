package bspec.rules.global.data.regime_log_retention_test

import data.bspec.rules.global.data.regime_log_retention as rule
import data.bspec.testing

retention := [{"regime": "eu-ai-act", "days": 183}, {"regime": "sox", "days": 2555}]

found(regimes, days, level) := denials if {
	denials := rule.deny with input as testing.allowed
		with input.intent.risk.regimes as regimes
		with input.intent.constraints.logging.retention_days as days
		with input.intent.constraints.logging.level as level
		with data.bspec.org.log_retention as retention
}

test_fail_too_short if {
	found(["eu-ai-act"], 182, "full") == {{
		"msg": "regime eu-ai-act demands logs for 183 days, not 182",
		"path": "/constraints/logging/retention_days",
	}}
}

test_fail_each_regime if {
	found(["eu-ai-act", "sox"], 0, "none") == {
		{
			"msg": "regime eu-ai-act demands logs for 183 days, not 0",
			"path": "/constraints/logging/retention_days",
		},
		{"msg": "regime sox demands logs for 2555 days, not 0", "path": "/constraints/logging/retention_days"},
		{"msg": "regime eu-ai-act demands logs, and nothing is logged", "path": "/constraints/logging/level"},
		{"msg": "regime sox demands logs, and nothing is logged", "path": "/constraints/logging/level"},
	}
}

test_success[note] if {
	some note, case in {
		"exactly": {"regimes": ["eu-ai-act"], "days": 183, "level": "metadata"},
		"no regime": {"regimes": [], "days": 0, "level": "none"},
		"regime without data": {"regimes": ["gdpr"], "days": 0, "level": "none"},
	}
	found(case.regimes, case.days, case.level) == set()
}
