# METADATA
# title: Tests assert something
# description: A test that passes whatever its rule says is green for ever.
# custom:
#   severity: warning
package bspec.lint.test.asserts_nothing

report contains {
	"msg": $"{test.name} passes whatever {test.rule} says",
	"file": test.file,
	"row": test.line,
	"col": 1,
	"hint": "compare the whole set: rule.deny == {...}",
} if {
	some test in input.tests
	test.expects == "nothing"
}
