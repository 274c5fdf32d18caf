package bspec.lint.metadata.title_is_description_test

import data.bspec.lint.lib.example
import data.bspec.lint.metadata.title_is_description as rule

test_fail[text] if {
	some text in ["A nonce", "a nonce."]
	changed := object.union(example.annotation, {"description": text})
	rule.report == {{
		"msg": "the description is the title again", "file": example.file, "row": 3, "col": 3,
		"hint": "say in a sentence what the rule demands",
	}} with input as example.with_annotation(changed)
}

test_success if rule.report == set() with input as example.lint_input
