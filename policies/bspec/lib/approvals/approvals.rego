# METADATA
# title: Approvals
# description: |
#   Which approvals count. Of one person's records for this intent and binding only the newest stands, so a person
#   fills one role; it counts if it saw exactly what is promoted, is in force and its signer isn't barred.
package bspec.lib.approvals

import data.bspec.lib.requirements

counted contains a if {
	some a in valid
	not a.principal in barred
}

# would count, were it somebody else's
barred_approvals contains a if {
	some a in valid
	a.principal in barred
}

# whatever it was about: a reject never expires, and one that its signer has lifted isn't among the facts any more
rejects contains a if {
	some a in input.approvals
	a.decision == "reject"
}

# distinct people whose approval counts in a role
people(role) := {a.principal | some a in counted; a.role == role}

# people whom separation of duties keeps from approving
barred contains p if {
	"author" in requirements.separation
	some p in input.authors
}

barred contains r.principal if {
	"promoter" in requirements.separation
	some r in input.requester
}

barred contains p if {
	"evaluator" in requirements.separation
	some pool in input.evidence
	some p in pool.evaluators
}

valid contains a if {
	some a in standing
	a.decision == "approve"
	a.binds.base
	a.binds.source
	a.binds.evidence
	a.binds.change
	a.binds.view
	a.expires_unix > input.now_unix
	a.age_seconds <= requirements.approval_ttl_seconds
}

standing contains a if {
	some a in about_this
	place(a.age_seconds, a.decision, a.id) == min(places(a.principal))
}

places(principal) := {place(a.age_seconds, a.decision, a.id) |
	some a in about_this
	a.principal == principal
}

# records for this intent and binding
about_this contains a if {
	some a in input.approvals
	a.binds.intent
	a.binds.binding
}

# newest first; a reject before an approval of the same second
place(age_seconds, "reject", id) := [age_seconds, 0, id]

place(age_seconds, "approve", id) := [age_seconds, 1, id]
