package bspec.lib.requirements_test

import data.bspec.lib.requirements
import data.bspec.testing

block(path, changes) := object.union(
	{
		"environment": "production",
		"path": path,
		"approvals": [],
		"on_expansion": [],
		"separation": [],
		"approval_ttl_seconds": testing.unlimited,
		"evidence": [],
		"soak_seconds": 0,
		"frozen": false,
		"rollback": [],
	},
	changes,
)

floor(environment, tier, changes) := {"environment": environment, "tier": tier, "rules": block("", changes)}

approval(role, count_, path) := {"role": role, "count": count_, "path": path}

test_sources_are_all_three if {
	declared := block("/promotion/production", {"soak_seconds": 1})
	previous := block("/promotion/production", {"soak_seconds": 2})
	floors := [
		floor("production", "high", {"soak_seconds": 3}),
		floor("production", "medium", {"soak_seconds": 4}),
		floor("staging", "high", {"soak_seconds": 5}),
	]
	sources := requirements.sources with input as testing.allowed
		with input.requirements as {"declared": [declared], "previous": [previous], "previous_risk": []}
		with data.bspec.org.floors as floors
	sources == {declared, previous, floors[0].rules}
}

test_floors_of_the_previous_tier_apply if {
	floors := [floor("production", tier, {"soak_seconds": rank}) | some rank, tier in ["low", "medium", "high"]]
	sources := requirements.sources with input as testing.allowed
		with input.intent.risk.tier as "low"
		with input.requirements as {
			"declared": [],
			"previous": [],
			"previous_risk": [{"tier": "high", "exposure": "customer"}],
		}
		with data.bspec.org.floors as floors
	sources == {floors[0].rules, floors[2].rules}
}

approvals(verdict, declared, floor_approvals) := found if {
	found := requirements.approvals with input as testing.allowed
		with input.change.verdict as verdict
		with input.requirements as {"declared": [block("/promotion/production", declared)], "previous": [], "previous_risk": []}
		with data.bspec.org.floors as [floor("production", "high", {"approvals": floor_approvals})]
}

test_approvals_on_expansion[verdict] if {
	some verdict in ["initial", "expansion"]
	approvals(verdict, {"approvals": [approval("a", 1, "/0")], "on_expansion": [approval("b", 1, "/1")]}, []) == {
		approval("a", 1, "/0"),
		approval("b", 1, "/1"),
	}
}

test_approvals_without_expansion[verdict] if {
	some verdict in ["cosmetic", "reduction", "governance"]
	approvals(verdict, {"approvals": [approval("a", 1, "/0")], "on_expansion": [approval("b", 1, "/1")]}, []) == {
		approval("a", 1, "/0"),
	}
}

test_approvals_of_the_floor[note] if {
	some note, case in {
		"repeated": {"floor": [approval("a", 2, "")], "want": {approval("a", 2, "/0")}},
		"weaker": {"floor": [approval("a", 1, "")], "want": {approval("a", 2, "/0")}},
		"stricter": {"floor": [approval("a", 3, "")], "want": {approval("a", 2, "/0"), approval("a", 3, "")}},
		"other role": {"floor": [approval("b", 1, "")], "want": {approval("a", 2, "/0"), approval("b", 1, "")}},
	}
	approvals("reduction", {"approvals": [approval("a", 2, "/0")]}, case.floor) == case.want
}

test_approvals_of_different_places_stay if {
	approvals("reduction", {"approvals": [approval("a", 1, "/0"), approval("a", 1, "/1")]}, []) == {
		approval("a", 1, "/0"),
		approval("a", 1, "/1"),
	}
}

test_separation_is_the_union if {
	separation := requirements.separation with input as testing.allowed
		with input.requirements as {
			"declared": [block("/promotion/production", {"separation": ["author"]})],
			"previous": [block("/promotion/production", {"separation": ["author", "promoter"]})],
			"previous_risk": [],
		}
		with data.bspec.org.floors as [floor("production", "high", {"separation": ["evaluator"]})]
	separation == {"author", "promoter", "evaluator"}
}

test_evidence_is_the_union if {
	one := testing.asked("boundary", "functional", 1, {"path": "/0"})
	two := testing.asked("boundary", "functional", 2, {"path": "/0"})
	three := testing.asked("boundary", "functional", 3, {})
	evidence := requirements.evidence with input as testing.allowed
		with input.requirements as {
			"declared": [block("/promotion/production", {"evidence": [one]})],
			"previous": [block("/promotion/production", {"evidence": [two]})],
			"previous_risk": [],
		}
		with data.bspec.org.floors as [floor("production", "high", {"evidence": [three]})]
	evidence == {one, two, three}
}

test_approval_ttl_is_the_shortest[note] if {
	some note, case in {"declared": [1, 2, 3], "previous": [2, 1, 3], "floor": [3, 2, 1]}
	ttl := requirements.approval_ttl_seconds with input as testing.allowed
		with input.requirements as {
			"declared": [block("/promotion/production", {"approval_ttl_seconds": case[0]})],
			"previous": [block("/promotion/production", {"approval_ttl_seconds": case[1]})],
			"previous_risk": [],
		}
		with data.bspec.org.floors as [floor("production", "high", {"approval_ttl_seconds": case[2]})]
	ttl == 1
}

test_approval_ttl_without_source_is_undefined if {
	not requirements.approval_ttl_seconds with input as testing.allowed
		with input.requirements as {"declared": [], "previous": [], "previous_risk": []}
		with data.bspec.org.floors as []
}

test_soaks_for_a_second if {
	found := requirements.soaks with input as testing.allowed
		with input.requirements as {
			"declared": [block("/promotion/production", {"soak_seconds": 1})],
			"previous": [],
			"previous_risk": [],
		}
		with data.bspec.org.floors as []
	found == {{"seconds": 1, "path": "/promotion/production/soak"}}
}

test_soaks_and_freezes if {
	waits := {"soak_seconds": 60, "frozen": true}
	found := {"soaks": requirements.soaks, "freezes": requirements.freezes} with input as testing.allowed
		with input.requirements as {
			"declared": [block("/promotion/production", waits)],
			"previous": [block("/promotion/production", {})],
			"previous_risk": [],
		}
		with data.bspec.org.floors as [floor("production", "high", waits)]
	found == {
		"soaks": {{"seconds": 60, "path": "/promotion/production/soak"}, {"seconds": 60, "path": ""}},
		"freezes": {"/promotion/production/freeze", ""},
	}
}

own(approvals_) := {"rollback": [{"approvals": approvals_, "max_lock_age_seconds": 7, "path": "/p/rollback"}]}

rolling(emergency, declared, previous) := found if {
	target := object.union(testing.rolled_back.rollback[0], {"emergency": emergency})
	found := requirements.approvals with input as testing.rolled_back
		with input.rollback as [target]
		with input.requirements.declared as [block("/promotion/production", declared)]
		with input.requirements.previous as [block("/promotion/production", previous)]
		with data.bspec.org.floors as []
		with data.bspec.org.emergency as [
			{"environment": "production", "approvals": [{"role": "on-call", "count": 2}]},
			{"environment": "staging", "approvals": [{"role": "nobody", "count": 1}]},
		]
}

test_approvals_of_a_rollback[note] if {
	some note, case in {
		"what a promotion needs": {"emergency": false, "more": {}, "want": {approval("a", 1, "/0"), approval("b", 1, "/1")}},
		"its own": {
			"emergency": false,
			"more": own([approval("c", 1, "/2")]),
			"want": {approval("c", 1, "/2"), approval("b", 1, "/1")},
		},
		"an emergency's": {
			"emergency": true,
			"more": own([approval("c", 1, "/2")]),
			"want": {approval("on-call", 2, "")},
		},
	}
	declared := object.union({"approvals": [approval("a", 1, "/0")]}, case.more)
	rolling(case.emergency, declared, {"approvals": [approval("b", 1, "/1")]}) == case.want
}

# an expansion needs its approvers, whatever the hurry
test_approvals_of_an_expanding_rollback[emergency] if {
	some emergency in [true, false]
	target := object.union(testing.rolled_back.rollback[0], {"emergency": emergency})
	found := requirements.approvals with input as testing.rolled_back
		with input.rollback as [target]
		with input.change.verdict as "expansion"
		with data.bspec.org.floors as []
	approval("risk-owner", 1, "/promotion/production/on_expansion/0") in found
}

# a promotion never has an emergency's quorum or a rollback's
test_approvals_of_a_promotion if {
	found := requirements.approvals with input as testing.allowed
		with input.requirements.declared as [block("/promotion/production", object.union(
			{"approvals": [approval("a", 1, "/0")]},
			own([approval("c", 1, "/2")]),
		))]
		with data.bspec.org.floors as []
	found == {approval("a", 1, "/0")}
}

test_rollback_ages if {
	found := requirements.rollback_ages with input as testing.rolled_back
		with input.requirements.declared as [block("/p", own([]))]
		with input.requirements.previous as [block("/promotion/production", {})]
		with data.bspec.org.floors as []
	found == {{"seconds": 7, "path": "/p/rollback/max_lock_age"}}
}

# an emergency is a rollback, whatever else the facts claim
test_no_emergency_of_a_promotion if {
	target := object.union(testing.rolled_back.rollback[0], {"emergency": true})
	not requirements.emergency with input as testing.allowed with input.rollback as [target]
}
