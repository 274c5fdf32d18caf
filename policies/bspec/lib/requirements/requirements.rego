# METADATA
# title: Requirements
# description: |
#   What this promotion must satisfy: the intent's own rules, the rules of the line that it replaces and the
#   organisation's floors for the environment and for the tiers of both. The stricter of them is their conjunction:
#   each must hold.
package bspec.lib.requirements

import data.bspec.lib.risk

sources contains p if some p in input.requirements.declared

sources contains p if some p in input.requirements.previous

sources contains f.rules if {
	some f in data.bspec.org.floors
	f.environment == input.environment
	f.tier in risk.tiers
}

# a first promotion is an expansion from the empty surface
expanding if input.change.verdict in {"initial", "expansion"}

approvals contains r if {
	some r in demanded_approvals
	not r in repeated_approvals
}

demanded_approvals contains r if {
	input.action != "rollback"
	some p in sources
	some r in p.approvals
}

demanded_approvals contains r if {
	ordinary_rollback
	some p in sources
	some r in rollback_approvals(p.approvals, p.rollback)
}

# an emergency has a quorum of its own; who must approve an expansion must do so all the same
demanded_approvals contains {"role": r.role, "count": r.count, "path": ""} if {
	emergency
	some e in data.bspec.org.emergency
	e.environment == input.environment
	some r in e.approvals
}

demanded_approvals contains r if {
	expanding
	some p in sources
	some r in p.on_expansion
}

# the floor's demands have no place in the intent; one that the intent makes itself is reported there only
repeated_approvals contains r if {
	some r in demanded_approvals
	r.path == ""
	some other in demanded_approvals
	other.path != ""
	other.role == r.role
	other.count >= r.count
}

emergency if {
	input.action == "rollback"
	some r in input.rollback
	r.emergency
}

ordinary_rollback if {
	input.action == "rollback"
	not emergency
}

# without rules of its own, a rollback needs what a promotion needs
rollback_approvals(approvals_, rollback) := approvals_ if count(rollback) == 0

rollback_approvals(_, rollback) := rollback[0].approvals if count(rollback) > 0

# how old the line may be that is gone back to; the shortest holds
rollback_ages contains {"seconds": r.max_lock_age_seconds, "path": inside(r.path, "max_lock_age")} if {
	some p in sources
	some r in p.rollback
}

separation contains s if {
	some p in sources
	some s in p.separation
}

evidence contains r if {
	some p in sources
	some r in p.evidence
}

# undefined without any source, so that no approval counts then
approval_ttl_seconds := min({p.approval_ttl_seconds | some p in sources})

soaks contains {"seconds": p.soak_seconds, "path": inside(p.path, "soak")} if {
	some p in sources
	p.soak_seconds > 0
}

freezes contains inside(p.path, "freeze") if {
	some p in sources
	p.frozen
}

# a member's pointer; the floor has none
inside("", _) := ""

inside(path, member) := $"{path}/{member}" if path != ""
