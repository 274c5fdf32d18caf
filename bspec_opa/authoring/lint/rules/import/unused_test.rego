package bspec.lint["import"].unused_test

import data.bspec.lint["import"].unused as rule

item(path, alias) := object.union(
	{"path": {"value": [{"value": p} | some p in path]}, "location": {"row": 3, "col": 1}},
	{"alias": a | some a in alias},
)

found(name, imported) := told if {
	reports := rule.report with input as {"files": {"a.rego": {
		"imports": [imported],
		"rules": [{"body": [{"type": "ref", "value": [{"type": "var", "value": name}]}]}],
	}}}
	told := reports
}

test_fail[name] if {
	some name, alias in {"order": [], "ranks": ["ranks"]}
	found("other", item(["data", "bspec", "lib", "order"], alias)) == {{
		"msg": $"the import {name} is used nowhere", "file": "a.rego", "row": 3, "col": 1, "hint": "remove it",
	}}
}

test_success[name] if {
	some name, alias in {"order": [], "ranks": ["ranks"]}
	found(name, item(["data", "bspec", "lib", "order"], alias)) == set()
}
