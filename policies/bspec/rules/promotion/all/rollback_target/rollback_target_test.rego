package bspec.rules.promotion.all.rollback_target_test

import data.bspec.rules.promotion.all.rollback_target as rule
import data.bspec.testing

found(rollback) := denials if {
	denials := rule.deny with input as testing.rolled_back with input.rollback as rollback
}

test_fail_no_target if found([]) == {{"msg": "no line is named to go back to", "path": ""}}

test_fail_other_content[part] if {
	some part in ["intent", "surface", "binding"]
	changed := object.union(testing.rolled_back.rollback[0], {$"same_{part}": false})
	found([changed]) == {{"msg": $"this has another {part} than the line that it goes back to", "path": ""}}
}

test_success_same if found(testing.rolled_back.rollback) == set()
