# METADATA
# title: Risk
# description: |
#   The tier that a promotion is judged by: the intent's own or that of the line it replaces, whichever is higher.
#   So no change lowers the bar that it must pass itself; what it lowers holds from the next change on.
package bspec.lib.risk

import data.bspec.lib.order

tiers contains input.intent.risk.tier

tiers contains r.tier if some r in input.requirements.previous_risk

tier := t if {
	some t in tiers
	order.tier[t] == max({order.tier[other] | some other in tiers})
}
