package bspec.rules.global.baseline.expansion_bumps_version_test

import data.bspec.rules.global.baseline.expansion_bumps_version as rule
import data.bspec.testing

found(verdict, step) := found_in(verdict, step, [
	{"verdict": "expansion", "path": "/tools/2", "what": "a new tool"},
	{"verdict": "reduction", "path": "/tools/1", "what": "a tool less"},
])

found_in(verdict, step, items) := denials if {
	change := {"verdict": verdict, "base": "sha256:base", "version_step": step, "items": items}
	denials := rule.deny with input as testing.allowed with input.change as change
}

denial(what, step) := {
	"msg": $"the change expands what the agent may do ({what}), but the version step is {step}",
	"path": "/metadata/version",
}

test_fail_expansion[step] if {
	some step in ["initial", "same", "lower", "patch"]
	found("expansion", step) == {denial("/tools/2: a new tool", step)}
}

test_fail_each_expansion_is_named if {
	items := [{"verdict": "expansion", "path": path, "what": "more"} | some path in ["/a", "/b"]]
	found_in("expansion", "patch", items) == {denial("/a: more", "patch"), denial("/b: more", "patch")}
}

test_fail_expansion_without_items if {
	found_in("expansion", "patch", []) == {denial("in a way that is not named", "patch")}
}

test_success_expansion[step] if {
	some step in ["minor", "major"]
	found("expansion", step) == set()
}

test_success_no_expansion[verdict] if {
	some verdict in ["initial", "cosmetic", "reduction", "governance"]
	found(verdict, "same") == set()
}

# it has the version that it goes back to
test_success_rollback if {
	denials := rule.deny with input as testing.rolled_back
		with input.change.verdict as "expansion"
	denials == set()
}
