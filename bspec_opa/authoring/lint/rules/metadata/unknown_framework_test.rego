package bspec.lint.metadata.unknown_framework_test

import data.bspec.lint.lib.example
import data.bspec.lint.metadata.unknown_framework as rule

found(controls) := told if {
	reports := rule.report with input as example.custom({"controls": controls})
	told := {[f.msg, f.row] | some f in reports}
}

test_fail if {
	found(["SOC:CC8.1", "SOC2", "SOC2:", "ISO27001:A.5.1"]) == {
		["SOC:CC8.1 is of no framework that is known", 7],
		["SOC2 names no control of its framework", 7],
		["SOC2: names no control of its framework", 7],
	}
}

test_success if found(["SOC2:CC8.1", "INTERNAL:PAY-01", "EU-AI-Act:Art.15"]) == set()
