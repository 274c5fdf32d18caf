# METADATA
# title: Boundary declared
# description: |
#   The intent names at least one action that is out of scope (paper 6.5): a boundary that nobody wrote down cannot
#   be reviewed or probed.
# custom:
#   code: BAS-03
#   severity: high
#   remediation: List the prohibited actions in scope.out.
#   controls: [ISO42001:9.2]
#   collections: [baseline]
#   waivable: true
package bspec.rules.global.baseline.out_of_scope_declared

deny contains {"msg": "nothing is declared out of scope", "path": "/scope/out"} if count(input.intent.scope.out) == 0
