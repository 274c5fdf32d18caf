# Computes for hours when it is asked to, without filling memory.
package bspec.gate

decision := {"found": count([1 |
	some a in input.items
	some b in input.items
	some c in input.items
	some d in input.items
	some e in input.items
	[a, b, c, d, e] == ["", "", "", "", ""]
])} if {
	input.items
}

decision := {"found": 0} if not input.items
