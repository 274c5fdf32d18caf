package bspec.rules.global.data.tool_data_within_maximum_test

import data.bspec.rules.global.data.tool_data_within_maximum as rule
import data.bspec.testing

found(data_, maximum) := denials if {
	tool := object.union(testing.tool, {"data": data_})
	denials := rule.deny with input as testing.allowed
		with input.intent.tools as [tool]
		with input.intent.constraints.data.max as maximum
}

test_fail_above[note] if {
	some note, case in {
		"one step": {"data": "restricted", "maximum": "confidential"},
		"from public": {"data": "internal", "maximum": "public"},
	}
	found(case.data, case.maximum) == {{
		"msg": $"tool billing_read_api reaches {case.data} data; the maximum is {case.maximum}",
		"path": "/tools/0/data",
	}}
}

test_success[note] if {
	some note, case in {
		"equal": {"data": "confidential", "maximum": "confidential"},
		"below": {"data": "public", "maximum": "restricted"},
	}
	found(case.data, case.maximum) == set()
}
