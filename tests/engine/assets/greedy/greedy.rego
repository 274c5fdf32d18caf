# Fills memory when it is asked to.
package bspec.gate

decision := {"strings": count([s | some i in numbers.range(1, 10000000); s := concat(",", [input.text, input.text])])} if {
	input.text
}

decision := {"strings": 0} if not input.text
