package bspec.rules.global.baseline.tools_serve_scope_test

import data.bspec.rules.global.baseline.tools_serve_scope as rule
import data.bspec.testing

test_fail[note] if {
	some note, case in {
		"nothing": {"serves": [], "want": {"tool billing_read_api serves no scope entry"}},
		"unknown": {
			"serves": ["explain-invoices", "chat"],
			"want": {"tool billing_read_api serves chat, which is not in scope"},
		},
		"out of scope": {
			"serves": ["refunds"],
			"want": {"tool billing_read_api serves refunds, which is not in scope"},
		},
	}
	tool := object.union(testing.tool, {"serves": case.serves})
	denials := rule.deny with input as testing.allowed with input.intent.tools as [tool]
	denials == {{"msg": msg, "path": "/tools/0/serves"} | some msg in case.want}
}

test_success_serves if {
	denials := rule.deny with input as testing.allowed
	denials == set()
}

test_success_no_tools if {
	denials := rule.deny with input as testing.allowed with input.intent.tools as []
	denials == set()
}
