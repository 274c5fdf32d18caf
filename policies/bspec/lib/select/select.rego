# METADATA
# title: Selectors
# description: |
#   Which rules the organisation runs: "*", "@collection", "framework:NAME" or a rule's id, exclude after include; a
#   pack adds and drops rules at one tier. A selector that selects nothing is a mistake, and so is a pack without
#   the rules that check the tier: the gate stays undefined.
package bspec.lib.select

import data.bspec.lib.risk

chosen(rules) := included - excluded if {
	here := packs(data.bspec.org.select.tiers, risk.tier)
	included := ids(data.bspec.org.select.include, rules) | ids([s | some p in here; some s in p.include], rules)
	excluded := ids(data.bspec.org.select.exclude, rules) | ids([s | some p in here; some s in p.exclude], rules)
}

packs(tiers, tier) := [p |
	some p in tiers
	p.tier == tier
]

unmatched(rules) := {selector |
	some selector in selectors
	count(ids([selector], rules)) == 0
}

selectors contains s if some s in data.bspec.org.select.include

selectors contains s if some s in data.bspec.org.select.exclude

selectors contains s if {
	some p in data.bspec.org.select.tiers
	some s in array.concat(p.include, p.exclude)
}

# where rules depend on the tier, whatever checks the tier must run
guarded(_) if count(data.bspec.org.select.tiers) == 0

guarded(rules) if {
	guards := ids(["@tier_guard"], rules)
	count(guards) > 0
	count(guards - chosen(rules)) == 0
}

# what each rule is called by is worked out when the gate is generated
ids(selectors_, rules) := {id |
	some selector in selectors_
	some id, rule in rules
	selector in rule.selectors
}
