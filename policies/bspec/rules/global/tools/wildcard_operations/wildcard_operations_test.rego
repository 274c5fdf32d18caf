package bspec.rules.global.tools.wildcard_operations_test

import data.bspec.rules.global.tools.wildcard_operations as rule
import data.bspec.testing

found(tier, changes) := denials if {
	tool := object.union(testing.tool, changes)
	denials := rule.deny with input as testing.allowed
		with input.intent.risk.tier as tier
		with input.intent.tools as [tool]
}

test_fail_wildcard[note] if {
	some note, case in {
		"high": {"tier": "high", "changes": {"wildcard": true, "operations": ["*"]}},
		"medium": {"tier": "medium", "changes": {"wildcard": true, "operations": ["*"]}},
		"flag alone": {"tier": "high", "changes": {"wildcard": true}},
		"star among names": {"tier": "high", "changes": {"operations": ["get_invoice", "*"]}},
	}
	found(case.tier, case.changes) == {{
		"msg": $"tool billing_read_api may use any operation at tier {case.tier}",
		"path": "/tools/0/operations",
	}}
}

test_success_low_tier if found("low", {"wildcard": true, "operations": ["*"]}) == set()

test_success_named if found("high", {}) == set()

test_fail_tier_lowered_by_this_change if {
	findings := rule.deny with input as testing.allowed
		with input.intent.risk.tier as "low"
		with input.requirements.previous_risk as [{"tier": "high", "exposure": "customer"}]
		with input.intent.tools as [object.union(testing.tool, {"operations": ["*"]})]
	count(findings) == 1
}
