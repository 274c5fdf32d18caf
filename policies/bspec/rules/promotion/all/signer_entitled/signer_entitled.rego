# METADATA
# title: Signers are entitled
# description: |
#   A record in the inbox whose signer has not been given the role by the trust root is pointed out; it counts for
#   nothing.
# custom:
#   code: P06
#   severity: medium
#   remediation: Ask somebody who holds the role to sign, or have the role granted; remove the record.
#   controls: [SOC2:CC8.1, ISO27001:5.3]
#   collections: [promotion]
#   waivable: true
package bspec.rules.promotion.all.signer_entitled

warn contains {"msg": $"{r.type} {r.id} is signed without the right to ({r.reason})", "path": ""} if {
	some r in input.rejected
	r.reason in {"trust.not-owner", "trust.role-not-granted", "trust.unknown-key", "trust.wrong-purpose"}
	not sequenced(r.id)
}

# what the ledger keeps was entitled once, and can't be removed
sequenced(id) if startswith(id, "ledger entry ")
