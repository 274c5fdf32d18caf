# METADATA
# title: No open reject
# description: Nobody rejects this change; a reject never expires, and only its signer lifts it, by approving later.
# custom:
#   code: P05
#   severity: critical
#   remediation: Settle the objection; then its signer runs bspec-opa approve.
#   controls: [SOC2:CC8.1, ISO27001:8.32, EU-AI-Act:14]
#   collections: [promotion]
#   waivable: false
package bspec.rules.promotion.all.no_reject

import data.bspec.lib.approvals

deny contains {"msg": $"{a.principal} has rejected this change as {a.role}", "path": ""} if some a in approvals.rejects
