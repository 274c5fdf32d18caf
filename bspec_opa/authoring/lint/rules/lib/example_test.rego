# what lint rules see of one rule's file; for their tests
package bspec.lint.lib.example

file := "bspec/rules/global/tools/extra/extra.rego"

tests := "bspec/rules/global/tools/extra/extra_test.rego"

annotation := {
	"scope": "package",
	"location": {"row": 1, "col": 1},
	"title": "A nonce",
	"description": "Every request carries a nonce.",
	"custom": {
		"code": "TOL-99",
		"remediation": "Ask again, with a nonce.",
		"controls": ["SOC2:CC8.1"],
		"effective_on": "2026-06-01T00:00:00Z",
	},
}

lines := [
	"# METADATA", "# title: A nonce", "# description: Every request carries a nonce.", "# custom:", "#   code: TOL-99",
	"#   remediation: Ask again, with a nonce.", "#   controls: [SOC2:CC8.1]", "#   effective_on: 2026-06-01T00:00:00Z",
	"package bspec.rules.global.tools.extra",
]

lint_input := with_annotation(annotation)

# June 2026
now_unix := 1780315200

with_annotation(changed) := {
	"files": {file: {
		"annotations": [changed],
		"package": {"location": {"row": 9, "col": 1}},
		"imports": [],
		"rules": [],
	}},
	"text": {file: lines, tests: []},
	"tests": [
		tested("test_fail", 6, "findings"),
		tested("test_success", 9, "none"),
	],
	"tested": true,
	"fixtures": {"allowed": {"nonce": "x", "tools": [{"id": "a"}]}},
	"now_unix": now_unix,
}

custom(changed) := with_annotation(object.union(annotation, {"custom": changed}))

tested(name, line, expects) := {
	"name": name, "file": tests, "line": line, "rule": "global.tools.extra", "expects": expects, "stand_in": "",
}
