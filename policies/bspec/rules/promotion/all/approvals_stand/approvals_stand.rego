# METADATA
# title: Approvals that do not count
# description: |
#   An approval for exactly this intent, binding and base that does not count is pointed out, with what is missing:
#   it expired, or what its signer saw has changed since.
# custom:
#   code: P04
#   severity: low
#   remediation: Ask the signer to look again and run bspec-opa approve.
#   controls: [SOC2:CC8.1, ISO27001:8.32, EU-AI-Act:14]
#   collections: [promotion]
#   waivable: true
package bspec.rules.promotion.all.approvals_stand

import data.bspec.lib.approvals
import data.bspec.lib.requirements

warn contains {"msg": $"the approval of {a.principal} as {a.role} does not count: {why}", "path": ""} if {
	some a in approvals.standing
	a.decision == "approve"
	a.binds.base
	some why in reasons(a.expires_unix, a.age_seconds, seen(a.binds.source, a.binds.evidence, a.binds.change, a.binds.view))
}

reasons(expires_unix, _, _) := {"it has expired"} if expires_unix <= input.now_unix

reasons(expires_unix, age_seconds, _) := {$"it is older than {ttl} seconds"} if {
	expires_unix > input.now_unix
	ttl := requirements.approval_ttl_seconds
	age_seconds > ttl
}

reasons(expires_unix, age_seconds, missed) := missed if {
	expires_unix > input.now_unix
	age_seconds <= requirements.approval_ttl_seconds
}

# the first thing that its signer did not see; a change of one changes the view, too
seen(false, _, _, _) := {"the source environment has another line now"}

seen(true, false, _, _) := {"there is other evidence now"}

seen(true, true, false, _) := {"the change is another one now"}

seen(true, true, true, false) := {"its signer was shown something else"}

seen(true, true, true, true) := set()
