# METADATA
# title: Fixtures
# description: |
#   Two inputs for tests, not packed into a bundle. `allowed` is a first promotion to production that no rule has
#   anything to say about; `full` has every optional part once and is allowed by nobody.
package bspec.testing

now_unix := 1793620800

unlimited := 999999999999999

day := 86400

allowed := {
	"contract": "bspec.input/v1",
	"action": "promote",
	"environment": "production",
	"now": "2026-11-02T12:00:00Z",
	"now_unix": now_unix,
	"nonce": "00000000000000000000000000000000",
	"intent": intent,
	"surface": {"digest": "sha256:surface"},
	"binding": [binding],
	"change": {"verdict": "initial", "base": "genesis", "version_step": "initial", "items": []},
	"requirements": {"declared": [production], "previous": [], "previous_risk": []},
	"submits": [{"id": "sha256:submit", "principal": "person:ann", "group": "support", "current": true}],
	"authors": ["person:ann"],
	"approvals": [
		approval("person:dana", "environment-admin"),
		approval("person:sam", "security"),
		approval("person:rio", "risk-owner"),
	],
	"evidence": [
		pool("boundary", "red-team", false),
		pool("boundary", "red-team", true),
		pool("privilege", "functional", false),
		pool("constraint", "adversarial", false),
	],
	"waivers": [],
	"predecessor_expected": true,
	"predecessor": [{
		"environment": "staging",
		"line": "sha256:line",
		"same_intent": true,
		"same_surface": true,
		"same_binding": true,
		"age_seconds": 4 * day,
	}],
	"requester": [{
		"id": "sha256:request",
		"principal": "person:pat",
		"group": "operations",
		"age_seconds": 60,
		"expires_unix": now_unix + day,
		"current": true,
	}],
	"withdrawn": [],
	"delegates": [],
	"rejected": [],
	"rollback": [],
	"unreviewed": [],
}

# the line before is redeployed in production, because the newest one misbehaves; nobody has anything to say about it
rolled_back := object.union(allowed, {
	"action": "rollback",
	"change": {
		"verdict": "reduction",
		"base": "sha256:base",
		"version_step": "lower",
		"items": [{"verdict": "reduction", "path": "/scope/in/0/actions", "what": "removed write:refund"}],
	},
	"requirements": {
		"declared": [production],
		"previous": [production],
		"previous_risk": [{"tier": "high", "exposure": "customer"}],
	},
	"predecessor_expected": false,
	"predecessor": [],
	"rollback": [{
		"target_line": "sha256:target",
		"same_intent": true,
		"same_surface": true,
		"same_binding": true,
		"age_seconds": 10 * day,
		"emergency": false,
	}],
})

# every list of `allowed` that is empty, and every optional part, has one item here
full := object.union(allowed, {
	"intent": object.union(intent, {
		"metadata": object.union(intent.metadata, {"labels": [{"key": "cost-centre", "value": "4711"}]}),
		"risk": object.union(intent.risk, {"regimes": ["eu-ai-act"]}),
		"constraints": object.union(intent.constraints, {
			"output": {"forbid": ["card-numbers"]},
			"delegation": ["billing-archive"],
		}),
	}),
	"binding": [object.union(binding, {"tools": [object.union(binding.tools[0], {"contract": {
		"kind": "mcp-tools",
		"digest": "sha256:contract",
		"described": true,
		"suspicions": [{"operation": "get_invoice", "what": "instruction"}],
	}})]})],
	"change": {
		"verdict": "expansion",
		"base": "sha256:base",
		"version_step": "minor",
		"items": [{"verdict": "expansion", "path": "/scope/in/0/actions", "what": "added write:refund"}],
	},
	"requirements": {
		"declared": [production],
		"previous": [production],
		"previous_risk": [{"tier": "high", "exposure": "customer"}],
	},
	"evidence": [object.union(
		pool("boundary", "red-team", false),
		{"undeclared_tools": ["billing_read_api/delete_invoice"]},
	)],
	"waivers": [waiver("global.tools.wildcard_operations", "/tools/0/operations", "any operation")],
	"withdrawn": [{
		"kind": "tool",
		"id": "billing_read_api",
		"release": "2.4.1",
		"status": "yanked",
		"path": "/tools/0",
	}],
	"delegates": [{"agent": "billing-archive", "path": "/constraints/delegation/0", "current": true}],
	"rejected": [{"type": "approval", "id": "sha256:rejected", "reason": "trust.unknown-key"}],
	"rollback": rolled_back.rollback,
	"unreviewed": [{"line": "sha256:emergency", "environment": "production", "age_seconds": day}],
})

intent := {
	"digest": "sha256:intent",
	"schema": "behavior.intent/v1",
	"metadata": {"id": "billing-support", "version": "1.0.0", "owner": "team:support", "labels": []},
	"purpose": "Answer customers' questions about their own invoices.",
	"risk": {"tier": "high", "exposure": "customer", "regimes": []},
	"scope": {
		"in": [{
			"id": "explain-invoices",
			"path": "/scope/in/0",
			"statement": "Retrieve invoices and explain line items",
			"actions": ["explain:line-item", "read:invoice"],
		}],
		"out": [{
			"id": "refunds",
			"path": "/scope/out/0",
			"statement": "Issue or promise refunds",
			"actions": ["write:refund"],
		}],
	},
	"tools": [tool],
	"models": {"routing": "single-model", "classes": [class]},
	"components": [{"id": "system-prompt", "kind": "prompt", "path": "/components/0"}],
	"constraints": {
		"data": {"max": "confidential", "categories": ["pii"], "residency": ["eu"]},
		"memory": "session",
		"logging": {"level": "full", "retention_days": 365, "redact": ["pii"]},
		"limits": {"request_seconds": 30, "task_seconds": 300, "max_steps": 20},
		"network": {"egress": "allowlist", "hosts": ["billing.internal"]},
		"output": {"forbid": []},
		"delegation": [],
		"self_modification": false,
	},
	"promotion": [production, staging],
}

tool := {
	"id": "billing_read_api",
	"path": "/tools/0",
	"class": "finance",
	"range": {"text": ">=2.0,<3", "bounded": true},
	"privilege": "read",
	"operations": ["get_invoice", "list_invoices"],
	"wildcard": false,
	"data": "confidential",
	"reversibility": "read-only",
	"confirmation": "never",
	"world": "closed",
	"serves": ["explain-invoices"],
}

# the tool that the paper's agent gets when it may issue refunds (9.5.2)
refund_tool := object.union(tool, {
	"id": "billing_write_api",
	"path": "/tools/1",
	"privilege": "write",
	"operations": ["create_refund"],
	"reversibility": "externally-reversible",
	"confirmation": "always",
})

class := {
	"id": "support-optimized-model-v1",
	"path": "/models/classes/0",
	"role": "primary",
	"providers": ["acme"],
	"regions": ["eu"],
}

staging := {
	"environment": "staging",
	"path": "/promotion/staging",
	"approvals": [{"role": "environment-admin", "count": 1, "path": "/promotion/staging/approvals/0"}],
	"on_expansion": [],
	"separation": ["author"],
	"approval_ttl_seconds": unlimited,
	"evidence": [
		asked("boundary", "functional", 50, {"min_pass_bp": 9800, "path": "/promotion/staging/evidence/0"}),
		asked("privilege", "functional", 50, {"min_pass_bp": 10000, "path": "/promotion/staging/evidence/1"}),
		asked("constraint", "functional", 30, {"min_pass_bp": 10000, "path": "/promotion/staging/evidence/2"}),
	],
	"soak_seconds": 0,
	"frozen": false,
	"rollback": [],
}

production := {
	"environment": "production",
	"path": "/promotion/production",
	"approvals": [
		{"role": "environment-admin", "count": 1, "path": "/promotion/production/approvals/0"},
		{"role": "security", "count": 1, "path": "/promotion/production/approvals/1"},
	],
	"on_expansion": [{"role": "risk-owner", "count": 1, "path": "/promotion/production/on_expansion/0"}],
	"separation": ["author", "promoter", "evaluator"],
	"approval_ttl_seconds": 7 * day,
	"evidence": [
		asked("boundary", "red-team", 200, {
			"max_asr_bp": 100,
			"independent": true,
			"max_age_seconds": 30 * day,
			"path": "/promotion/production/evidence/0",
		}),
		asked("privilege", "functional", 100, {
			"min_pass_bp": 10000,
			"max_age_seconds": 30 * day,
			"path": "/promotion/production/evidence/1",
		}),
		asked("constraint", "adversarial", 100, {
			"min_pass_bp": 10000,
			"max_age_seconds": 30 * day,
			"path": "/promotion/production/evidence/2",
		}),
	],
	"soak_seconds": 3 * day,
	"frozen": false,
	"rollback": [{
		"approvals": [{"role": "environment-admin", "count": 1, "path": "/promotion/production/rollback/approvals/0"}],
		"max_lock_age_seconds": 90 * day,
		"path": "/promotion/production/rollback",
	}],
}

binding := {
	"digest": "sha256:binding",
	"models": [{
		"class": "support-optimized-model-v1",
		"provider": "acme",
		"identity": "support-2026-03-01",
		"kind": "oci-digest",
		"preview": false,
		"immutability": "content",
		"digest": ["sha256:model"],
		"region": ["eu"],
		"bom": ["sha256:bom"],
		"signature": ["sha256:signature"],
	}],
	"tools": [{
		"id": "billing_read_api",
		"publisher": "billing-team",
		"trusted": true,
		"release": "2.4.1",
		"in_range": true,
		"artifact": [{"purl": "pkg:npm/billing-read@2.4.1", "digest": ["sha256:package"]}],
		"contract": {"kind": "mcp-tools", "digest": "sha256:contract", "described": true, "suspicions": []},
		"operations": [
			{"name": "get_invoice", "privilege_floor": "read"},
			{"name": "list_invoices", "privilege_floor": "read"},
		],
	}],
	"components": [{"id": "system-prompt", "digest": "sha256:component"}],
}

# a requirement with the neutral value of everything that isn't changed
asked(question, method, min_cases, changes) := object.union(
	{
		"question": question,
		"method": method,
		"min_cases": min_cases,
		"min_pass_bp": 0,
		"max_asr_bp": 10000,
		"confidence_bp": 0,
		"independent": false,
		"max_age_seconds": unlimited,
		"path": "",
	},
	changes,
)

# one run of 200 cases, all passed, a day ago
pool(question, method, independent) := {
	"question": question,
	"method": method,
	"independent": independent,
	"runs": [$"sha256:{question}-run"],
	"evaluators": ["person:eve"],
	"oldest_age_seconds": day,
	"cases": 200,
	"passed": 200,
	"bounds": [
		{"confidence_bp": 0, "pass_bp": 10000, "asr_bp": 0},
		{"confidence_bp": 9000, "pass_bp": 9885, "asr_bp": 115},
		{"confidence_bp": 9500, "pass_bp": 9851, "asr_bp": 149},
		{"confidence_bp": 9900, "pass_bp": 9772, "asr_bp": 228},
	],
	"probes": [{"scope_out_id": "refunds", "cases": 200, "passed": 200} | question == "boundary"],
	"undeclared_tools": [],
}

# an approval of an hour ago that saw everything as it is
approval(principal, role) := {
	"id": $"sha256:{principal}-{role}",
	"principal": principal,
	"group": "operations",
	"role": role,
	"decision": "approve",
	"age_seconds": 3600,
	"expires_unix": now_unix + day,
	"binds": {
		"intent": true,
		"binding": true,
		"base": true,
		"source": true,
		"evidence": true,
		"change": true,
		"view": true,
	},
}

waiver(rule, path, msg) := {
	"id": "sha256:waiver",
	"rule": rule,
	"path": path,
	"msg": msg,
	"binds": {"intent": true, "binding": true, "environment": true, "base": true},
	"expires_unix": now_unix + day,
}
