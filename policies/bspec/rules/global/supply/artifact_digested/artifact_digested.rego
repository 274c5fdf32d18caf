# METADATA
# title: Installed artifacts digested
# description: |
#   Above tier low every package that is installed for a tool has the digest of its bytes; models, components and
#   contracts have theirs before any rule runs.
# custom:
#   code: SUP-09
#   severity: high
#   remediation: Add the artifact's digest to the catalog and resolve again.
#   controls: [NIST-800-53:cm-3, ATLAS:AML.T0081]
#   collections: [supply]
#   waivable: true
package bspec.rules.global.supply.artifact_digested

import data.bspec.lib.risk

deny contains {"msg": $"tool {t.id}: {a.purl} has no digest", "path": t.path} if {
	risk.tier != "low"
	some b in input.binding
	some t in input.intent.tools
	some bound in b.tools
	bound.id == t.id
	some a in bound.artifact
	count(a.digest) == 0
}
