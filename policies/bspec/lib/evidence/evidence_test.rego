package bspec.lib.evidence_test

import data.bspec.lib.evidence
import data.bspec.testing

pool(age, runs, cases) := object.union(
	testing.pool("boundary", "functional", false),
	{"oldest_age_seconds": age, "runs": runs, "cases": cases},
)

newest := pool(10, ["sha256:c"], 10)

two := pool(20, ["sha256:c", "sha256:b"], 30)

all_runs := pool(30, ["sha256:c", "sha256:b", "sha256:a"], 60)

pools(max_age, list) := found if {
	found := evidence.pools("boundary", "functional", false, max_age) with input as testing.allowed
		with input.evidence as list
}

test_pools_takes_the_widest_within_the_age[note] if {
	some note, case in {
		"everything": {"max_age": testing.unlimited, "want": {all_runs}},
		"exactly the oldest": {"max_age": 30, "want": {all_runs}},
		"two": {"max_age": 29, "want": {two}},
		"newest": {"max_age": 10, "want": {newest}},
		"too old": {"max_age": 9, "want": set()},
	}
	pools(case.max_age, [two, all_runs, newest]) == case.want
}

test_pools_of_one_second_takes_the_most_runs if {
	same_second := pool(10, ["sha256:c", "sha256:b"], 30)
	pools(10, [newest, same_second]) == {same_second}
}

test_pools_keeps_contradictions if {
	other := object.union(newest, {"cases": 11})
	pools(10, [newest, other]) == {newest, other}
}

test_pools_asks_for_exactly_that[note] if {
	some note, change in {
		"other question": {"question": "privilege"},
		"other method": {"method": "manual"},
		"independent": {"independent": true},
	}
	pools(10, [object.union(newest, change)]) == set()
}

cases(list) := n if {
	n := evidence.cases("boundary", "functional", false, 30) with input as testing.allowed with input.evidence as list
}

test_cases[note] if {
	some note, case in {
		"none": {"list": [], "want": 0},
		"widest": {"list": [newest, two], "want": 30},
		"fewest of a contradiction": {"list": [two, object.union(two, {"cases": 29})], "want": 29},
	}
	cases(case.list) == case.want
}

test_looks if {
	{independent: evidence.looks(independent) | some independent in [true, false]} == {
		false: {false},
		true: {false, true},
	}
}

test_relied if {
	red_team := testing.pool("boundary", "red-team", false)
	independent := testing.pool("boundary", "red-team", true)
	privilege := testing.pool("privilege", "functional", false)
	relied := evidence.relied with input as testing.allowed
		with input.evidence as [
			red_team,
			independent,
			privilege,
			testing.pool("privilege", "functional", true),
			testing.pool("constraint", "manual", false),
			object.union(red_team, {"runs": [], "oldest_age_seconds": 60}),
			object.union(red_team, {"oldest_age_seconds": 31 * testing.day}),
		]
		with data.bspec.org.floors as []
	relied == {red_team, independent, privilege}
}
