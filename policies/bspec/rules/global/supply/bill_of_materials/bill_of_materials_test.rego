package bspec.rules.global.supply.bill_of_materials_test

import data.bspec.rules.global.supply.bill_of_materials as rule
import data.bspec.testing

found(tier, changes) := findings if {
	model := object.union(testing.binding.models[0], changes)
	findings := rule.warn with input as testing.allowed
		with input.intent.risk.tier as tier
		with input.binding as [object.union(testing.binding, {"models": [model]})]
}

test_fail[tier] if {
	some tier in ["medium", "high"]
	found(tier, {"bom": []}) == {{
		"msg": "model class support-optimized-model-v1: no bill of materials is on record for support-2026-03-01",
		"path": "/models/classes/0",
	}}
}

test_success_on_record if found("high", {}) == set()

test_success_lower_tier if found("low", {"bom": []}) == set()

test_success_another_class if found("high", {"bom": [], "class": "other"}) == set()
