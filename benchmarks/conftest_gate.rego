# METADATA
# title: The gate for conftest
# description: |
#   The generated gate's decision as conftest wants it. One rule for denials and warnings: conftest asks for each
#   rule in a query of its own, and a second one would evaluate the gate twice.
package main

import data.bspec.gate

deny contains {"msg": "the decision is undefined"} if not gate.decision

deny contains {"msg": finding.msg, "kind": kind, "rule": id} if {
	decision := gate.decision
	some part in ["global", "promotion"]
	some id, rule in decision[part]
	some kind in ["deny", "warn"]
	some finding in rule[kind]
}
