# METADATA
# title: Bill of materials
# description: Above tier low a model without a bill of materials on record is pointed out.
# custom:
#   code: SUP-08
#   severity: low
#   remediation: Ask the provider for an AI-BOM, note its digest in the catalog and resolve again.
#   controls: [AISVS:6.2.1, ATLAS:AML.M0023]
#   collections: [supply]
#   waivable: true
package bspec.rules.global.supply.bill_of_materials

import data.bspec.lib.risk

warn contains {"msg": $"model class {c.id}: no bill of materials is on record for {m.identity}", "path": c.path} if {
	risk.tier != "low"
	some b in input.binding
	some c in input.intent.models.classes
	some m in b.models
	m.class == c.id
	count(m.bom) == 0
}
