package bspec.lib.select_test

import data.bspec.lib.select
import data.bspec.testing

rules := {
	"global.tools.a": {"id": "global.tools.a", "selectors": ["*", "global.tools.a", "@tools", "framework:SOC2"]},
	"global.data.b": {"id": "global.data.b", "selectors": ["*", "global.data.b", "@data", "@eu", "framework:ISO27001", "framework:SOC2"]},
	"global.risk.c": {"id": "global.risk.c", "selectors": ["*", "global.risk.c", "@tier_guard"]},
}

a := "global.tools.a"

b := "global.data.b"

c := "global.risk.c"

at(tier, previous, selection) := found if {
	found := {
		"chosen": select.chosen(rules),
		"unmatched": select.unmatched(rules),
		"guarded": guarded,
	} with input as testing.allowed
		with input.intent.risk.tier as tier
		with input.requirements.previous_risk as [{"tier": t, "exposure": "public"} | some t in previous]
		with data.bspec.org.select as selection
}

default guarded := false

guarded if select.guarded(rules)

test_chosen[note] if {
	some note, case in {
		"all": {"include": ["*"], "exclude": [], "want": {a, b, c}},
		"collection": {"include": ["@tools"], "exclude": [], "want": {a}},
		"second collection": {"include": ["@eu"], "exclude": [], "want": {b}},
		"framework": {"include": ["framework:SOC2"], "exclude": [], "want": {a, b}},
		"other framework": {"include": ["framework:ISO27001"], "exclude": [], "want": {b}},
		"id": {"include": [b], "exclude": [], "want": {b}},
		"exclude a collection": {"include": ["*"], "exclude": ["@data"], "want": {a, c}},
		"exclude a framework": {"include": ["*"], "exclude": ["framework:SOC2"], "want": {c}},
		"exclude wins": {"include": [a, "@tools"], "exclude": [a], "want": set()},
		"bare collection": {"include": ["tools"], "exclude": [], "want": set()},
		"bare framework": {"include": ["SOC2", "@SOC2", "framework:tools"], "exclude": [], "want": set()},
		"prefix of an id": {"include": ["global.tools"], "exclude": [], "want": set()},
	}
	found := at("low", [], {"include": case.include, "exclude": case.exclude, "tiers": []})
	found.chosen == case.want
	found.guarded == true
}

test_packs[note] if {
	tiers := [
		{"tier": "low", "include": [], "exclude": ["@data"]},
		{"tier": "high", "include": [a], "exclude": []},
	]
	some note, case in {
		"low drops": {"tier": "low", "previous": [], "want": {c}},
		"medium has none": {"tier": "medium", "previous": [], "want": {b, c}},
		"high adds": {"tier": "high", "previous": [], "want": {a, b, c}},
		"lowered now": {"tier": "low", "previous": ["high"], "want": {a, b, c}},
		"raised now": {"tier": "high", "previous": ["low"], "want": {a, b, c}},
	}
	at(case.tier, case.previous, {"include": [b, c], "exclude": [], "tiers": tiers}) == {
		"chosen": case.want,
		"unmatched": set(),
		"guarded": true,
	}
}

test_exclude_wins_over_a_pack if {
	at("low", [], {"include": [c], "exclude": [a], "tiers": [{"tier": "low", "include": [a], "exclude": []}]}) == {
		"chosen": {c},
		"unmatched": set(),
		"guarded": true,
	}
}

test_a_pack_without_the_guard[note] if {
	some note, case in {
		"dropped by the pack": {"include": ["*"], "exclude": [], "drop": ["@tier_guard"], "want": {a, b}},
		"dropped everywhere": {"include": ["*"], "exclude": [c], "drop": [], "want": {a, b}},
		"never included": {"include": [a], "exclude": [], "drop": [], "want": {a}},
	}
	found := at("low", [], {
		"include": case.include,
		"exclude": case.exclude,
		"tiers": [{"tier": "low", "include": [], "exclude": case.drop}],
	})
	found == {"chosen": case.want, "unmatched": set(), "guarded": false}
}

test_no_guard_at_all if {
	alone := object.remove(rules, [c])
	not select.guarded(alone) with input as testing.allowed
		with data.bspec.org.select as {
			"include": ["*"],
			"exclude": [],
			"tiers": [{"tier": "low", "include": [], "exclude": []}],
		}
}

test_without_tiers_nothing_is_known if {
	selection := {"include": ["*"], "exclude": []}
	not select.chosen(rules) with input as testing.allowed with data.bspec.org.select as selection
	not select.guarded(rules) with input as testing.allowed with data.bspec.org.select as selection
}

test_unmatched[note] if {
	some note, case in {
		"none": {"include": ["*", "@tools"], "exclude": [b], "tiers": [], "want": set()},
		"misspelt": {
			"include": ["*", "@toolz"],
			"exclude": ["global.data.d", "@data", "tools", "framework:SOC"],
			"tiers": [],
			"want": {"@toolz", "global.data.d", "tools", "framework:SOC"},
		},
		"in a pack of another tier": {
			"include": ["*"],
			"exclude": [],
			"tiers": [{"tier": "high", "include": ["@more"], "exclude": ["@less", b]}],
			"want": {"@more", "@less"},
		},
	}
	found := at("low", [], {"include": case.include, "exclude": case.exclude, "tiers": case.tiers})
	found.unmatched == case.want
}
