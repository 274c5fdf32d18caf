# METADATA
# title: Signatures verify
# description: |
#   A record that was changed after it was signed, or that is in another form than the one that is signed, is
#   pointed out; it counts for nothing.
# custom:
#   code: P07
#   severity: high
#   remediation: Find out who changed the record; get the original or have it signed again.
#   controls: [SOC2:CC8.1, SOC2:CC7.2]
#   collections: [promotion]
#   waivable: true
package bspec.rules.promotion.all.signatures_verify

warn contains {"msg": $"{r.type} {r.id} is not as it was signed ({r.reason})", "path": ""} if {
	some r in input.rejected
	r.reason in {"trust.bad-envelope", "trust.bad-signature", "trust.bad-statement", "trust.signature-count"}
}
