package bspec.testing_test

import data.bspec.gate
import data.bspec.testing

# what the generated gate says about an input: the rules with each status, and every denial's needs
statuses[status] contains id if {
	some id, answer in object.union(gate.decision.global, gate.decision.promotion)
	status := answer.status
}

needs contains [id, kind] if {
	some id, answer in object.union(gate.decision.global, gate.decision.promotion)
	some denial in answer.deny
	kind := object.get(denial, ["needs", "kind"], "nothing")
}

test_nothing_to_say_about_the_allowed_input if {
	found := statuses with input as testing.allowed
	object.keys(found) == {"pass"}
}

test_nothing_to_say_about_the_rollback if {
	found := statuses with input as testing.rolled_back
	object.keys(found) == {"pass"}
}

to_staging := object.union(testing.allowed, {
	"environment": "staging",
	"requirements": {"declared": [testing.staging], "previous": [], "previous_risk": []},
	"approvals": [testing.approval("person:dana", "environment-admin")],
	"evidence": [
		testing.pool("boundary", "functional", false),
		testing.pool("privilege", "functional", false),
		testing.pool("constraint", "functional", false),
	],
	"predecessor_expected": false,
	"predecessor": [],
})

test_staging_is_allowed_by_its_declared_rules if {
	found := statuses with input as to_staging
	object.keys(found) == {"pass"}
}

# right after installation: an intent, nothing signed, nothing resolved
first_minute := object.union(to_staging, {
	"binding": [],
	"submits": [],
	"authors": [],
	"approvals": [],
	"evidence": [],
	"requester": [],
})

test_every_denial_of_the_first_minute_says_what_it_needs if {
	found := needs with input as first_minute
	found == {
		["promotion.all.approvals", "approval"],
		["promotion.all.evidence", "evidence"],
		["promotion.all.non_author_approval", "approval"],
		["promotion.all.requested", "request"],
		["promotion.all.resolved", "resolve"],
		["promotion.all.scope_probed", "evidence"],
		["promotion.all.submitted", "submit"],
	}
}

# the paper's expansion (9.5.2): the agent may issue refunds
expanded := object.union(testing.allowed, {
	"intent": object.union(testing.intent, {
		"scope": {
			"in": [object.union(
				testing.intent.scope.in[0],
				{"actions": ["explain:line-item", "read:invoice", "write:refund"]},
			)],
			"out": [{
				"id": "loans",
				"path": "/scope/out/0",
				"statement": "Grant loans",
				"actions": ["write:loan"],
			}],
		},
		"tools": [testing.tool, testing.refund_tool],
	}),
	"binding": [object.union(testing.binding, {"tools": [
		testing.binding.tools[0],
		object.union(testing.binding.tools[0], {
			"id": "billing_write_api",
			"operations": [{"name": "create_refund", "privilege_floor": "write"}],
		}),
	]})],
	"change": {"verdict": "expansion", "base": "sha256:base", "version_step": "minor", "items": []},
	"evidence": [
	object.union(pool, {"probes": [{"scope_out_id": "loans", "cases": 200, "passed": 200}]}) |
		some pool in testing.allowed.evidence
	],
})

elevated := [
	{"class": "finance", "privilege": "write", "environment": "production", "role": "risk-owner", "count": 1},
	{"class": "finance", "privilege": "write", "environment": "production", "role": "finance-controller", "count": 1},
]

# an organisation-wide rule denies it, whatever was approved (9.6)
test_expansion_is_forbidden_by_default if {
	found := statuses with input as expanded
	found.deny == {"global.tools.forbidden_class"}
}

test_expansion_waits_for_elevated_approvals_elsewhere if {
	found := {"statuses": statuses, "needs": needs} with input as expanded
		with data.bspec.org.forbidden as []
		with data.bspec.org.elevated as elevated
	found.statuses.deny == {"promotion.all.elevated_approvals"}
	found.needs == {["promotion.all.elevated_approvals", "approval"]}
}

test_expansion_is_allowed_with_elevated_approvals if {
	approvals := array.concat(expanded.approvals, [testing.approval("person:fay", "finance-controller")])
	found := statuses with input as expanded
		with input.approvals as approvals
		with data.bspec.org.forbidden as []
		with data.bspec.org.elevated as elevated
	object.keys(found) == {"pass"}
}

test_the_full_shape_has_something_of_everything[note] if {
	some note, list in {
		"labels": testing.full.intent.metadata.labels,
		"regimes": testing.full.intent.risk.regimes,
		"forbidden output": testing.full.intent.constraints.output.forbid,
		"delegation": testing.full.intent.constraints.delegation,
		"region": testing.full.binding[0].models[0].region,
		"changes": testing.full.change.items,
		"previous": testing.full.requirements.previous,
		"previous risk": testing.full.requirements.previous_risk,
		"undeclared tools": testing.full.evidence[0].undeclared_tools,
		"waivers": testing.full.waivers,
		"withdrawn": testing.full.withdrawn,
		"delegates": testing.full.delegates,
		"rejected": testing.full.rejected,
	}
	count(list) == 1
}
