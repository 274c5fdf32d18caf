package bspec.rules.global.tools.open_world_data_test

import data.bspec.rules.global.tools.open_world_data as rule
import data.bspec.testing

found(world, reached, most) := denials if {
	tool := object.union(testing.tool, {"world": world, "data": reached})
	denials := rule.deny with input as testing.allowed
		with input.intent.tools as [tool]
		with data.bspec.org.open_world_data as most
}

test_fail[note] if {
	some note, case in {
		"next above": {"data": "confidential", "most": "internal"},
		"far above": {"data": "restricted", "most": "public"},
	}
	found("open", case.data, case.most) == {{
		"msg": $"tool billing_read_api reaches the open world and {case.data} data; {case.most} is the most there",
		"path": "/tools/0/data",
	}}
}

test_success[note] if {
	some note, case in {
		"at the bound": {"world": "open", "data": "internal", "most": "internal"},
		"below it": {"world": "open", "data": "public", "most": "internal"},
		"closed": {"world": "closed", "data": "restricted", "most": "public"},
	}
	found(case.world, case.data, case.most) == set()
}
