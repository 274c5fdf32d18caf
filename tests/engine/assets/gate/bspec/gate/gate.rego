# A decision in the form of the real gate's, small enough to read.
package bspec.gate

decision := {
	"contract": "bspec.decision/v1",
	"nonce": input.nonce,
	"revision": data.bspec.build.revision,
	"data_digest": data.bspec.build.data_digest,
	"global": {
		"global.tools.no_admin": answer(no_admin),
		"global.tools.named": answer(named),
	},
	"promotion": {"promotion.all.known": answer(set())},
} if {
	input.environment in data.bspec.org.environments
}

no_admin contains {"msg": $"tool {t.id} asks for admin", "path": t.path} if {
	some t in input.tools
	t.privilege == "admin"
}

named contains {"msg": "tool without name", "path": t.path} if {
	some t in input.tools
	t.id == ""
}

answer(denials) := {
	"status": "pass", "severity": "high",
	"deny": denials, "pending": [], "warn": [], "waived": [], "waivers": [],
} if {
	count(denials) == 0
}

answer(denials) := {
	"status": "deny", "severity": "high",
	"deny": denials, "pending": [], "warn": [], "waived": [], "waivers": [],
} if {
	count(denials) > 0
}
