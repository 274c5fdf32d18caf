# METADATA
# title: Expansion bumps the version
# description: A change that expands the capability surface is a major or minor version step.
# custom:
#   code: BAS-06
#   severity: medium
#   remediation: Raise the major or minor number of metadata.version.
#   controls: [SOC2:CC8.1]
#   collections: [baseline]
#   waivable: true
package bspec.rules.global.baseline.expansion_bumps_version

deny contains {
	"msg": $"the change expands what the agent may do, but the version step is {input.change.version_step}",
	"path": "/metadata/version",
} if {
	input.change.verdict == "expansion"
	not input.change.version_step in {"minor", "major"}
}
