# Who may ask this OPA what: the gate its one question, everybody for health, nobody anything else.
package system.authz

default allow := false

allow if {
	input.method == "POST"
	input.path == ["v1", "data", "bspec", "gate", "decision"]

	# No explain, no metrics: an answer says what was decided, not how the policies look.
	every name in object.keys(input.params) {
		name in {"provenance", "strict-builtin-errors"}
	}
	known(input.identity)
}

allow if {
	input.method == "GET"
	input.path == ["health"]
}

# The SHA-256 of the tokens that may ask, separated by spaces: during a rotation there are two.
known(token) if {
	some digest in split(opa.runtime().env.BSPEC_GATE_TOKENS_SHA256, " ")
	crypto.sha256(token) == digest
}
