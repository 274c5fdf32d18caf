package bspec.lint.metadata.todo_test

import data.bspec.lint.lib.example
import data.bspec.lint.metadata.todo as rule

test_fail[word] if {
	some word in ["TODO", "FIXME", "XXX"]
	lines := array.concat(["# METADATA", $"# title: {word} find one"], array.slice(example.lines, 2, 9))
	rule.report == {{
		"msg": $"METADATA has something left to do: {word}", "file": example.file, "row": 2, "col": 3,
		"hint": "do it, or keep the note elsewhere",
	}} with input as object.union(example.lint_input, {"text": {example.file: lines}})
}

test_success if rule.report == set() with input as example.lint_input

# below the package it is an author's own note
test_success_elsewhere if {
	lines := array.concat(example.lines, ["# TODO more"])
	rule.report == set() with input as object.union(example.lint_input, {"text": {example.file: lines}})
}
