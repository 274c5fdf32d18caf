package bspec.lint.metadata.stale_effective_on_test

import data.bspec.lint.lib.example
import data.bspec.lint.metadata.stale_effective_on as rule

test_fail[moment] if {
	some moment, want in {
		"2025-05-01T00:00:00Z": ["more than a year past", "remove it: the rule is in force"],
		"2029-07-01T00:00:00Z": ["more than three years ahead", "until then the rule only warns; is the year right?"],
	}
	rule.report == {{
		"msg": $"effective_on {moment} is {want[0]}", "file": example.file, "row": 8, "col": 5,
		"hint": want[1],
	}} with input as example.custom({"effective_on": moment})
}

# what is no moment is another check's
test_success[moment] if {
	some moment in ["2025-07-01T00:00:00Z", "2029-05-01T00:00:00Z", "soon"]
	rule.report == set() with input as example.custom({"effective_on": moment})
}
