package bspec.rules.global.tools.high_tier_writes_confirmed_test

import data.bspec.rules.global.tools.high_tier_writes_confirmed as rule
import data.bspec.testing

found(tier, privilege, confirmation) := denials if {
	tool := object.union(testing.tool, {"privilege": privilege, "confirmation": confirmation})
	denials := rule.deny with input as testing.allowed
		with input.intent.risk.tier as tier
		with input.intent.tools as [tool]
}

test_fail_never_confirmed[privilege] if {
	some privilege in ["write", "execute", "admin"]
	found("high", privilege, "never") == {{
		"msg": $"tool billing_read_api has privilege {privilege} at tier high and is never confirmed",
		"path": "/tools/0/confirmation",
	}}
}

test_success[note] if {
	some note, case in {
		"on write": {"tier": "high", "privilege": "write", "confirmation": "on-write"},
		"always": {"tier": "high", "privilege": "write", "confirmation": "always"},
		"reads": {"tier": "high", "privilege": "read", "confirmation": "never"},
		"lower tier": {"tier": "medium", "privilege": "write", "confirmation": "never"},
	}
	found(case.tier, case.privilege, case.confirmation) == set()
}

test_fail_tier_lowered_by_this_change if {
	findings := rule.deny with input as testing.allowed
		with input.intent.risk.tier as "low"
		with input.requirements.previous_risk as [{"tier": "high", "exposure": "customer"}]
		with input.intent.tools as [object.union(testing.tool, {"privilege": "write", "confirmation": "never"})]
	count(findings) == 1
}
