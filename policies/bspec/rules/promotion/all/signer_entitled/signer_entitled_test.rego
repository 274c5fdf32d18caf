package bspec.rules.promotion.all.signer_entitled_test

import data.bspec.rules.promotion.all.signer_entitled as rule
import data.bspec.testing

found(id, reason) := warnings if {
	rejected := [{"type": "approval", "id": id, "reason": reason}]
	warnings := rule.warn with input as testing.allowed with input.rejected as rejected
}

test_fail[reason] if {
	some reason in ["trust.not-owner", "trust.role-not-granted", "trust.unknown-key", "trust.wrong-purpose"]
	found("sha256:rejected", reason) == {{
		"msg": $"approval sha256:rejected is signed without the right to ({reason})",
		"path": "",
	}}
}

test_success_another_reason if found("sha256:rejected", "trust.bad-signature") == set()

test_success_in_the_ledger if found("ledger entry 3", "trust.unknown-key") == set()

test_success_none if {
	warnings := rule.warn with input as testing.allowed
	warnings == set()
}
