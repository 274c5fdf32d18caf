package bspec.rules.global.supply.contract_text_test

import data.bspec.rules.global.supply.contract_text as rule
import data.bspec.testing

found(id, suspicions) := warnings if {
	contract := {"kind": "mcp-tools", "digest": "sha256:contract", "described": true, "suspicions": suspicions}
	tool := object.union(testing.binding.tools[0], {"id": id, "contract": contract})
	warnings := rule.warn with input as testing.allowed
		with input.binding as [object.union(testing.binding, {"tools": [tool]})]
}

both := [
	{"operation": "get_invoice", "what": "hidden-character"},
	{"operation": "list_invoices", "what": "instruction"},
]

test_fail if {
	found("billing_read_api", both) == {
		{
			"msg": "tool billing_read_api: the text of operation get_invoice holds characters that nobody sees",
			"path": "/tools/0",
		},
		{
			"msg": "tool billing_read_api: the text of operation list_invoices holds what reads like an order to the model",
			"path": "/tools/0",
		},
	}
}

test_success_plain if found("billing_read_api", []) == set()

test_success_not_declared if found("other", both) == set()
