package bspec.lint.metadata.placeholder_test

import data.bspec.lint.lib.example
import data.bspec.lint.metadata.placeholder as rule

test_fail[text] if {
	some text in ["TODO", "tbd.", "n/a", "-", "None", "", "Hm", "fix it ...", "Describe what to do here"]
	rule.report == {{
		"msg": $"remediation says nothing: {text}", "file": example.file, "row": 6, "col": 5,
		"hint": "write what somebody who is denied can do with it",
	}} with input as example.custom({"remediation": text})
}

test_fail_title if {
	found := rule.report with input as example.with_annotation(object.union(example.annotation, {"title": "xxx"}))
	[[f.row, f.msg] | some f in found] == [[2, "title says nothing: xxx"]]
}

test_success if rule.report == set() with input as example.lint_input

test_success_absent if {
	rule.report == set() with input as example.with_annotation({"scope": "package", "location": {"row": 1}})
}

test_success_words[text] if {
	some text in ["Describe what the tool is for.", "None of the tools may write."]
	rule.report == set() with input as example.custom({"remediation": text})
}
