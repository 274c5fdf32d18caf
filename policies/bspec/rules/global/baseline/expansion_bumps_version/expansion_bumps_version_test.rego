package bspec.rules.global.baseline.expansion_bumps_version_test

import data.bspec.rules.global.baseline.expansion_bumps_version as rule
import data.bspec.testing

found(verdict, step) := denials if {
	change := {"verdict": verdict, "base": "sha256:base", "version_step": step, "items": []}
	denials := rule.deny with input as testing.allowed with input.change as change
}

test_fail_expansion[step] if {
	some step in ["initial", "same", "lower", "patch"]
	found("expansion", step) == {{
		"msg": $"the change expands what the agent may do, but the version step is {step}",
		"path": "/metadata/version",
	}}
}

test_success_expansion[step] if {
	some step in ["minor", "major"]
	found("expansion", step) == set()
}

test_success_no_expansion[verdict] if {
	some verdict in ["initial", "cosmetic", "reduction", "governance"]
	found(verdict, "same") == set()
}
