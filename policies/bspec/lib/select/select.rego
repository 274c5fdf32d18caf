# METADATA
# title: Selectors
# description: |
#   Which rules the organisation runs: "*", "@collection" or a rule's id, exclude after include. A selector that
#   selects nothing is a mistake, and the gate stays undefined.
package bspec.lib.select

chosen(rules) := ids(data.bspec.org.select.include, rules) - ids(data.bspec.org.select.exclude, rules)

unmatched(rules) := {selector |
	some selector in array.concat(data.bspec.org.select.include, data.bspec.org.select.exclude)
	count(ids([selector], rules)) == 0
}

ids(selectors, rules) := {id |
	some selector in selectors
	some id, rule in rules
	names(selector, id, rule.collections)
}

names("*", _, _)

names(selector, id, _) if selector == id

names(selector, _, collections) if {
	some collection in collections
	selector == $"@{collection}"
}
