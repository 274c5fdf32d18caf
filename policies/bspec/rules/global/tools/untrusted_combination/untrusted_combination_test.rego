package bspec.rules.global.tools.untrusted_combination_test

import data.bspec.rules.global.tools.untrusted_combination as rule
import data.bspec.testing

found(reader, writer, egress) := warnings if {
	tools := [object.union(testing.tool, reader), object.union(testing.refund_tool, writer)]
	warnings := rule.warn with input as testing.allowed
		with input.intent.tools as tools
		with input.intent.constraints.network.egress as egress
}

test_fail[egress] if {
	some egress in ["allowlist", "open"]
	found({"world": "open"}, {}, egress) == {{
		"msg": $"tool billing_read_api reads from the open world while tool billing_write_api writes and network egress is {egress}",
		"path": "/tools/1",
	}}
}

test_fail_one_tool_does_both if {
	found({}, {"world": "open", "privilege": "execute"}, "allowlist") == {{
		"msg": "tool billing_write_api reads from the open world while tool billing_write_api writes and network egress is allowlist",
		"path": "/tools/1",
	}}
}

test_success[note] if {
	some note, case in {
		"no egress": {"reader": {"world": "open"}, "writer": {}, "egress": "none"},
		"closed world": {"reader": {}, "writer": {}, "egress": "open"},
		"reads nothing": {"reader": {"world": "open", "privilege": "none"}, "writer": {}, "egress": "open"},
		"writes nothing": {"reader": {"world": "open"}, "writer": {"privilege": "read"}, "egress": "open"},
	}
	found(case.reader, case.writer, case.egress) == set()
}
