package bspec.rules.global.supply.one_identity_test

import data.bspec.rules.global.supply.one_identity as rule
import data.bspec.testing

found(changes) := denials if {
	binding := object.union(testing.binding, changes)
	denials := rule.deny with input as testing.allowed with input.binding as [binding]
}

tool := testing.binding.tools[0]

model := testing.binding.models[0]

component := testing.binding.components[0]

test_fail[note] if {
	some note, case in {
		"tool not bound": {
			"changes": {"tools": []},
			"want": {{"msg": "tool billing_read_api is bound 0 times instead of once", "path": "/tools/0"}},
		},
		"tool bound twice": {
			"changes": {"tools": [tool, object.union(tool, {"release": "2.5.0"})]},
			"want": {{"msg": "tool billing_read_api is bound 2 times instead of once", "path": "/tools/0"}},
		},
		"the same entry twice": {
			"changes": {"tools": [tool, tool]},
			"want": {{"msg": "tool billing_read_api is bound 2 times instead of once", "path": "/tools/0"}},
		},
		"tool not declared": {
			"changes": {"tools": [tool, object.union(tool, {"id": "billing_write_api"})]},
			"want": {{"msg": "tool billing_write_api is bound, but not declared", "path": ""}},
		},
		"model not bound": {
			"changes": {"models": []},
			"want": {{
				"msg": "model class support-optimized-model-v1 is bound 0 times instead of once",
				"path": "/models/classes/0",
			}},
		},
		"model bound twice": {
			"changes": {"models": [model, object.union(model, {"identity": "another"})]},
			"want": {{
				"msg": "model class support-optimized-model-v1 is bound 2 times instead of once",
				"path": "/models/classes/0",
			}},
		},
		"model not declared": {
			"changes": {"models": [model, object.union(model, {"class": "large"})]},
			"want": {{"msg": "model class large is bound, but not declared", "path": ""}},
		},
		"component not bound": {
			"changes": {"components": []},
			"want": {{"msg": "component system-prompt is bound 0 times instead of once", "path": "/components/0"}},
		},
		"component not declared": {
			"changes": {"components": [component, object.union(component, {"id": "guardrail"})]},
			"want": {{"msg": "component guardrail is bound, but not declared", "path": ""}},
		},
		"ids of another kind": {
			"changes": {"components": [component, object.union(component, {"id": "billing_read_api"})]},
			"want": {{"msg": "component billing_read_api is bound, but not declared", "path": ""}},
		},
	}
	found(case.changes) == case.want
}

test_success_each_once if found({}) == set()

test_success_not_resolved if {
	denials := rule.deny with input as testing.allowed with input.binding as []
	denials == set()
}
