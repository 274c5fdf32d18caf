package bspec.rules.promotion.all.signatures_verify_test

import data.bspec.rules.promotion.all.signatures_verify as rule
import data.bspec.testing

found(id, reason) := warnings if {
	rejected := [{"type": "evidence", "id": id, "reason": reason}]
	warnings := rule.warn with input as testing.allowed with input.rejected as rejected
}

test_fail[reason] if {
	some reason in ["trust.bad-envelope", "trust.bad-signature", "trust.bad-statement", "trust.signature-count"]
	some id in ["sha256:rejected", "ledger entry 3"]
	found(id, reason) == {{"msg": $"evidence {id} is not as it was signed ({reason})", "path": ""}}
}

test_success_another_reason if found("sha256:rejected", "trust.role-not-granted") == set()

test_success_none if {
	warnings := rule.warn with input as testing.allowed
	warnings == set()
}
