package bspec.lib.gate_test

import data.bspec.lib.gate
import data.bspec.testing

rule := {
	"id": "global.tools.x",
	"severity": "high",
	"waivable": true,
	"pending": "approval",
	"effective_unix": 0,
	"selectors": ["*", "@tools"],
}

a := {"msg": "a", "path": "/tools/0"}

b := {"msg": "b", "path": "/tools/1", "needs": {"kind": "approval", "role": "security", "count": 1}}

waiver := testing.waiver(rule.id, "/tools/0", "a")

none := {
	"status": "pass",
	"severity": "high",
	"deny": set(),
	"pending": set(),
	"warn": set(),
	"waived": set(),
	"waivers": set(),
}

answer(changes, denials, warnings, waivers) := found if {
	found := gate.answer(object.union(rule, changes), denials, warnings) with input as testing.allowed
		with input.waivers as waivers
}

test_answer[note] if {
	some note, case in {
		"nothing": {"denials": set(), "warnings": set(), "want": {}},
		"warning": {"denials": set(), "warnings": {a}, "want": {"status": "warn", "warn": {a}}},
		"denial": {"denials": {a}, "warnings": set(), "want": {"status": "deny", "deny": {a}}},
		"denial and warning": {
			"denials": {a},
			"warnings": {b},
			"want": {"status": "deny", "deny": {a}, "warn": {b}},
		},
		"pending among denials": {
			"denials": {a, b},
			"warnings": set(),
			"want": {"status": "deny", "deny": {a, b}, "pending": {b}},
		},
	}
	answer({}, case.denials, case.warnings, []) == object.union(none, case.want)
}

test_pending_needs_the_declared_kind[note] if {
	some note, case in {
		"other kind": {"pending": "evidence", "item": b},
		"not declared": {"pending": "", "item": b},
		"no needs": {"pending": "approval", "item": a},
		"empty kind": {"pending": "", "item": {"msg": "c", "path": "", "needs": {"kind": ""}}},
	}
	answer({"pending": case.pending}, {case.item}, set(), []) == object.union(
		none,
		{"status": "deny", "deny": {case.item}},
	)
}

test_not_yet_in_force if {
	later := {"effective_unix": testing.now_unix + 1}
	answer(later, {a}, {b}, []) == object.union(none, {"status": "warn", "warn": {a, b}})
}

test_in_force_from_the_second_on if {
	now := {"effective_unix": testing.now_unix}
	answer(now, {a}, set(), []) == object.union(none, {"status": "deny", "deny": {a}})
}

test_waived if {
	answer({}, {a}, set(), [waiver]) == object.union(
		none,
		{"status": "waived", "waived": {a}, "waivers": {"sha256:waiver"}},
	)
}

test_waived_beside_a_warning if {
	answer({}, {a}, {b}, [waiver]) == object.union(
		none,
		{"status": "warn", "warn": {b}, "waived": {a}, "waivers": {"sha256:waiver"}},
	)
}

test_waiver_covers_one_finding if {
	answer({}, {a, b}, set(), [waiver]) == object.union(
		none,
		{"status": "deny", "deny": {b}, "pending": {b}, "waived": {a}, "waivers": {"sha256:waiver"}},
	)
}

test_waiver_of_the_last_second if {
	last := object.union(waiver, {"expires_unix": testing.now_unix + 1})
	answer({}, {a}, set(), [last]) == object.union(
		none,
		{"status": "waived", "waived": {a}, "waivers": {"sha256:waiver"}},
	)
}

test_waiver_does_not_apply[note] if {
	some note, change in {
		"expired": {"expires_unix": testing.now_unix},
		"other rule": {"rule": "global.tools.y"},
		"every rule": {"rule": "*"},
		"other path": {"path": "/tools/1"},
		"other finding": {"msg": "b"},
		"other intent": {"binds": {"intent": false}},
		"other binding": {"binds": {"binding": false}},
		"other environment": {"binds": {"environment": false}},
		"other base": {"binds": {"base": false}},
	}
	answer({}, {a}, set(), [object.union(waiver, change)]) == object.union(none, {"status": "deny", "deny": {a}})
}

test_not_waivable[note] if {
	some note, value in {"false": false, "no": "no", "yes": "yes", "number": 1}
	answer({"waivable": value}, {a}, set(), [waiver]) == object.union(none, {"status": "deny", "deny": {a}})
}

test_malformed_denial_stays_a_denial[note] if {
	some note, item in {
		"string": "a",
		"number": 1,
		"null": null,
		"false": false,
		"list": [],
		"no path": {"msg": "a"},
		"no message": {"path": "/tools/0"},
		"needs is a word": {"msg": "a", "path": "", "needs": "approval"},
	}
	answer({}, {item}, set(), [waiver]) == object.union(none, {"status": "deny", "deny": {item}})
}
