package bspec.lint.metadata.code_prefix_test

import data.bspec.lint.lib.example
import data.bspec.lint.metadata.code_prefix as rule

files(codes) := {file: tree |
	some file, code in codes
	custom := object.union(example.annotation.custom, {"code": code})
	tree := {"annotations": [object.union(example.annotation, {"custom": custom})]}
}

found(codes) := told if {
	reports := rule.report with input as {
		"files": files(codes),
		"text": {f: example.lines | some f, _ in codes},
	}
	told := {[f.file, f.msg] | some f in reports}
}

one := "bspec/rules/global/tools/one/one.rego"

two := "bspec/rules/global/tools/two/two.rego"

data_rule := "bspec/rules/global/data/three/three.rego"

promotion := "bspec/rules/promotion/all/four/four.rego"

production := "bspec/rules/promotion/production/five/five.rego"

test_fail_fewer if {
	found({one: "TOL-01", two: "TOL-02", data_rule: "TOL-03"}) == {
		[data_rule, "the prefix TOL belongs to global/tools"],
	}
}

test_fail_as_many if {
	found({one: "TOL-01", promotion: "TOL-02"}) == {[promotion, "the prefix TOL belongs to global/tools"]}
}

test_success if found({one: "TOL-01", data_rule: "DAT-01", promotion: "P01", production: "P02"}) == set()
