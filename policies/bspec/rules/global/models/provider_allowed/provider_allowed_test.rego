package bspec.rules.global.models.provider_allowed_test

import data.bspec.rules.global.models.provider_allowed as rule
import data.bspec.testing

found(declared, bound, allowed) := denials if {
	class := object.union(testing.class, {"providers": declared})
	model := object.union(testing.binding.models[0], {"provider": bound})
	denials := rule.deny with input as testing.allowed
		with input.intent.models.classes as [class]
		with input.binding as [object.union(testing.binding, {"models": [model]})]
		with data.bspec.org.providers as allowed
}

test_fail[note] if {
	some note, case in {
		"not allowed": {
			"declared": ["acme", "globex"],
			"bound": "acme",
			"allowed": ["acme"],
			"want": {"model class support-optimized-model-v1: provider globex is not allowed"},
		},
		"any": {
			"declared": ["*"],
			"bound": "acme",
			"allowed": ["acme"],
			"want": {"model class support-optimized-model-v1 admits any provider"},
		},
		"none named": {
			"declared": [],
			"bound": "acme",
			"allowed": ["*"],
			"want": {
				"model class support-optimized-model-v1 names no provider",
				"model class support-optimized-model-v1 is bound to provider acme, which it does not name",
			},
		},
		"bound elsewhere": {
			"declared": ["acme"],
			"bound": "globex",
			"allowed": ["acme", "globex"],
			"want": {"model class support-optimized-model-v1 is bound to provider globex, which it does not name"},
		},
		"nobody allowed": {
			"declared": ["acme"],
			"bound": "acme",
			"allowed": [],
			"want": {"model class support-optimized-model-v1: provider acme is not allowed"},
		},
		"any, bound to a provider that is not allowed": {
			"declared": ["*"],
			"bound": "globex",
			"allowed": ["acme"],
			"want": {"model class support-optimized-model-v1 admits any provider"},
		},
	}
	found(case.declared, case.bound, case.allowed) == {{"msg": msg, "path": "/models/classes/0/providers"} |
		some msg in case.want
	}
}

test_success[note] if {
	some note, case in {
		"named": {"declared": ["acme"], "bound": "acme", "allowed": ["globex", "acme"]},
		"organisation allows any": {"declared": ["acme"], "bound": "acme", "allowed": ["*"]},
		"both any": {"declared": ["*"], "bound": "globex", "allowed": ["*"]},
	}
	found(case.declared, case.bound, case.allowed) == set()
}

# each class is compared with its own binding, not with another's
two_models(changes) := object.union(testing.allowed, {
	"intent": object.union(testing.intent, {"models": {"routing": "heterogeneous", "classes": [
		testing.class,
		object.union(testing.class, {"id": "small", "path": "/models/classes/1", "providers": ["globex"]}),
	]}}),
	"binding": [object.union(testing.binding, {"models": [
		testing.binding.models[0],
		object.union(object.union(testing.binding.models[0], {"class": "small", "provider": "globex"}), changes),
	]})],
})

test_success_each_bound_to_its_own if {
	denials := rule.deny with input as two_models({}) with data.bspec.org.providers as ["acme", "globex"]
	denials == set()
}

test_fail_bound_to_the_provider_of_another_class if {
	denials := rule.deny with input as two_models({"provider": "acme"})
		with data.bspec.org.providers as ["acme", "globex"]
	denials == {{
		"msg": "model class small is bound to provider acme, which it does not name",
		"path": "/models/classes/1/providers",
	}}
}
