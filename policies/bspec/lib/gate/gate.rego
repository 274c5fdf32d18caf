# METADATA
# title: From a rule's findings to its answer
# description: |
#   Sorts findings into deny, warn, waived and pending. It only ever partitions the author's own items and never
#   rebuilds them: an item of the wrong shape can't be lost, it stays a denial.
package bspec.lib.gate

answer(rule, denials, warnings) := {
	"status": status(deny, warn, waived),
	"severity": rule.severity,
	"deny": deny,
	"pending": {d | some d in deny; is_pending(rule, d)},
	"warn": warn,
	"waived": waived,
	"waivers": {w.id | some d in waived; some w in covering(rule, d)},
} if {
	waived := {d | some d in denials; count(covering(rule, d)) > 0}
	open := denials - waived
	deny := {d | some d in open; in_force(rule)}
	warn := warnings | (open - deny)
}

in_force(rule) if rule.effective_unix <= input.now_unix

is_pending(rule, denial) if {
	rule.pending != ""
	denial.needs.kind == rule.pending
}

# a waiver covers one finding of one rule: equality everywhere, no wildcard
covering(rule, denial) := {w |
	rule.waivable == true
	some w in input.waivers
	w.rule == rule.id
	w.path == denial.path
	w.msg == denial.msg
	w.binds.intent
	w.binds.binding
	w.binds.environment
	w.binds.base
	w.expires_unix > input.now_unix
}

status(deny, _, _) := "deny" if count(deny) > 0

status(deny, warn, _) := "warn" if {
	count(deny) == 0
	count(warn) > 0
}

status(deny, warn, waived) := "waived" if {
	count(deny) == 0
	count(warn) == 0
	count(waived) > 0
}

status(deny, warn, waived) := "pass" if {
	count(deny) == 0
	count(warn) == 0
	count(waived) == 0
}
