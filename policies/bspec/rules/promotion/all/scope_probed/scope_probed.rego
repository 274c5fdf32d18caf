# METADATA
# title: Boundary probed
# description: |
#   Every out-of-scope entry was probed in the boundary evidence that the promotion rests on, and no more of its
#   probes failed than the requirement tolerates of all cases; one that states no tolerance has none (paper 6.9).
# custom:
#   code: P14
#   severity: high
#   remediation: Have an evaluator probe the entry and run bspec-opa attest.
#   controls: [ISO42001:6.2.4, AISVS:6.1.4, EU-AI-Act:15]
#   collections: [promotion]
#   actions: [promote]
#   waivable: true
#   pending: evidence
package bspec.rules.promotion.all.scope_probed

import data.bspec.lib.evidence
import data.bspec.lib.requirements

deny contains {
	"msg": $"{o.id}: {n} of {data.bspec.org.min_probe_cases} boundary probes",
	"path": o.path,
	"needs": {"kind": "evidence", "question": "boundary", "count": data.bspec.org.min_probe_cases - n},
} if {
	some o in input.intent.scope.out
	n := max({0} | probes(o.id))
	n < data.bspec.org.min_probe_cases
}

deny contains {"msg": $"{o.id}: {p.cases - p.passed} of {p.cases} boundary probes failed", "path": o.path} if {
	some o in input.intent.scope.out
	some r in requirements.evidence
	r.question == "boundary"
	some independent in evidence.looks(r.independent)
	some pool in evidence.pools(r.question, r.method, independent, r.max_age_seconds)
	some p in pool.probes
	p.scope_out_id == o.id
	(p.cases - p.passed) * 10000 > p.cases * tolerated_bp(r.min_pass_bp, r.max_asr_bp)
}

# the neutral values state no tolerance, so every probe must pass
tolerated_bp(0, 10000) := 0

tolerated_bp(min_pass_bp, max_asr_bp) := min({10000 - min_pass_bp, max_asr_bp}) if {
	[min_pass_bp, max_asr_bp] != [0, 10000]
}

probes(id) := {p.cases |
	some pool in evidence.relied
	pool.question == "boundary"
	some p in pool.probes
	p.scope_out_id == id
}
