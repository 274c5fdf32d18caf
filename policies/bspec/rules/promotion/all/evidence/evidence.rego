# METADATA
# title: The three evidence questions
# description: |
#   Boundary, privilege and constraint are each asked about, and each requirement is met by all runs within its age,
#   pooled; where it asks for independence, by the independent ones as well (paper 6.9).
# custom:
#   code: P11
#   severity: critical
#   remediation: Have an evaluator run bspec-opa attest for the question.
#   controls: [ISO42001:6.2.4, AISVS:6.1.4, EU-AI-Act:15]
#   collections: [promotion]
#   actions: [promote]
#   waivable: false
#   pending: evidence
package bspec.rules.promotion.all.evidence

import data.bspec.lib.evidence
import data.bspec.lib.requirements

deny contains {"msg": $"no evidence is asked for on the question {q}", "path": "/promotion"} if {
	some q in {"boundary", "privilege", "constraint"}
	not q in {r.question | some r in requirements.evidence}
}

# at least one case, even where a requirement asks for none
deny contains {
	"msg": $"{r.question}: {n} of {wanted} cases ({label(r.method, independent)}{aged(r.question, r.method, independent, r.max_age_seconds)})",
	"path": r.path,
	"needs": {"kind": "evidence", "question": r.question, "method": r.method, "count": wanted - n},
} if {
	some r in requirements.evidence
	some independent in evidence.looks(r.independent)
	n := evidence.cases(r.question, r.method, independent, r.max_age_seconds)
	wanted := max({1, r.min_cases})
	n < wanted
}

deny contains {
	"msg": $"{r.question}: {row.pass_bp} bp passed, {r.min_pass_bp} bp demanded ({s.label}, confidence {r.confidence_bp} bp)",
	"path": r.path,
} if {
	some s in sufficient
	r := s.requirement
	some row in s.rows
	row.pass_bp < r.min_pass_bp
}

deny contains {
	"msg": $"{r.question}: {row.asr_bp} bp of attacks succeeded, {r.max_asr_bp} bp tolerated ({s.label}, confidence {r.confidence_bp} bp)",
	"path": r.path,
} if {
	some s in sufficient
	r := s.requirement
	some row in s.rows
	row.asr_bp > r.max_asr_bp
}

deny contains {
	"msg": $"{r.question}: no bound is known at confidence {r.confidence_bp} bp ({s.label})",
	"path": r.path,
} if {
	some s in sufficient
	r := s.requirement
	count(s.rows) == 0
}

# pools with cases enough, and their bounds at the confidence that is asked for
sufficient contains {"requirement": r, "label": label(r.method, independent), "rows": rows} if {
	some r in requirements.evidence
	some independent in evidence.looks(r.independent)
	some p in evidence.pools(r.question, r.method, independent, r.max_age_seconds)
	p.cases >= r.min_cases
	rows := {b | some b in p.bounds; b.confidence_bp == r.confidence_bp}
}

label(method, true) := $"independent {method}"

label(method, false) := method

# why runs that somebody may have in mind are not counted
aged(question, method, independent, max_age_seconds) := "; older runs do not count" if {
	some p in input.evidence
	p.question == question
	p.method == method
	p.independent == independent
	p.oldest_age_seconds > max_age_seconds
} else := ""
