# METADATA
# title: Evidence
# description: |
#   Which pool of runs answers a requirement: of its question and method, the widest within its age. Every run in
#   that window is in it, so a run that failed can't be left out.
package bspec.lib.evidence

import data.bspec.lib.requirements

# the widest pool, as a set of one; several only where the facts contradict themselves, and then each must do
pools(question, method, independent, max_age_seconds) := {p |
	some p in candidates(question, method, independent, max_age_seconds)
	[p.oldest_age_seconds, count(p.runs)] == widest(question, method, independent, max_age_seconds)
}

# the fewest cases of those pools; 0 without one
cases(question, method, independent, max_age_seconds) := min({p.cases | some p in found}) if {
	found := pools(question, method, independent, max_age_seconds)
	count(found) > 0
} else := 0

# what a requirement looks at: all runs, and, where it asks for it, the independent ones as well
looks(false) := {false}

looks(true) := {false, true}

# every pool that some requirement rests on
relied contains p if {
	some r in requirements.evidence
	some independent in looks(r.independent)
	some p in pools(r.question, r.method, independent, r.max_age_seconds)
}

widest(question, method, independent, max_age_seconds) := max({[p.oldest_age_seconds, count(p.runs)] |
	some p in candidates(question, method, independent, max_age_seconds)
})

candidates(question, method, independent, max_age_seconds) := {p |
	some p in input.evidence
	p.question == question
	p.method == method
	p.independent == independent
	p.oldest_age_seconds <= max_age_seconds
}
