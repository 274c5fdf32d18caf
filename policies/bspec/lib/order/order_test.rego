package bspec.lib.order_test

import data.bspec.lib.order

# the schema's enums, in their order
enums := {
	"tier": ["low", "medium", "high"],
	"privilege": ["none", "read", "write", "execute", "admin"],
	"sensitivity": ["public", "internal", "confidential", "restricted"],
}

ranks := {"tier": order.tier, "privilege": order.privilege, "sensitivity": order.sensitivity}

test_ranks_follow_the_enum[name] if {
	some name, words in enums
	ranks[name] == {word: rank | some rank, word in words}
}
