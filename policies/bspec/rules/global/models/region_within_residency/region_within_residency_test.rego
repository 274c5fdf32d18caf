package bspec.rules.global.models.region_within_residency_test

import data.bspec.rules.global.models.region_within_residency as rule
import data.bspec.testing

found(residency, declared, bound) := denials if {
	model := object.union(testing.binding.models[0], {"region": bound})
	denials := rule.deny with input as testing.allowed
		with input.intent.constraints.data.residency as residency
		with input.intent.models.classes as [object.union(testing.class, {"regions": declared})]
		with input.binding as [object.union(testing.binding, {"models": [model]})]
		with data.bspec.org.regions as [
			{"region": "eu-west-1", "residency": "eu"},
			{"region": "us-east-1", "residency": "us"},
		]
}

at(msg) := {"msg": $"model class support-optimized-model-v1{msg}", "path": "/models/classes/0/regions"}

anywhere := at(" may run in any region; residency is limited")

test_fail[note] if {
	some note, case in {
		"any region": {"declared": ["*"], "bound": ["eu"], "want": {anywhere}},
		"elsewhere": {
			"declared": ["us-east-1"],
			"bound": ["us-east-1"],
			"want": {at(": region us-east-1 does not lie within the residency")},
		},
		"one of two elsewhere": {
			"declared": ["eu-west-1", "us"],
			"bound": ["eu-west-1"],
			"want": {at(": region us does not lie within the residency")},
		},
		"unknown": {
			"declared": ["mars"],
			"bound": ["mars"],
			"want": {at(": region mars does not lie within the residency")},
		},
		"bound nowhere": {
			"declared": ["*"],
			"bound": [],
			"want": {anywhere, at(" is bound to support-2026-03-01 without a known region")},
		},
		"bound elsewhere": {
			"declared": ["eu"],
			"bound": ["us-east-1"],
			"want": {at(" is bound to region us-east-1, which does not lie within the residency")},
		},
	}
	found(["eu"], case.declared, case.bound) == case.want
}

test_success[note] if {
	some note, case in {
		"by name": {"residency": ["eu"], "declared": ["eu"], "bound": ["eu"]},
		"a provider's region": {"residency": ["eu"], "declared": ["eu-west-1"], "bound": ["eu-west-1"]},
		"bound to a part": {"residency": ["eu"], "declared": ["eu"], "bound": ["eu-west-1"]},
		"one of two": {"residency": ["eu", "us"], "declared": ["us-east-1"], "bound": ["us-east-1"]},
		"not limited": {"residency": ["*"], "declared": ["*"], "bound": []},
		"not limited, declared": {"residency": ["*"], "declared": ["mars"], "bound": ["mars"]},
		"not limited, bound": {"residency": ["*"], "declared": ["eu"], "bound": ["us-east-1"]},
	}
	found(case.residency, case.declared, case.bound) == set()
}

test_success_another_class_is_bound[note] if {
	some note, region in {"nowhere": [], "elsewhere": ["us-east-1"]}
	model := object.union(testing.binding.models[0], {"class": "other", "region": region})
	denials := rule.deny with input as testing.allowed
		with input.binding as [object.union(testing.binding, {"models": [model]})]
	denials == set()
}
