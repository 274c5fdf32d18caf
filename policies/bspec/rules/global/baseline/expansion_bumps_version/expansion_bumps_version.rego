# METADATA
# title: Expansion bumps the version
# description: |
#   A change that expands the capability surface is a major or minor version step; a rollback has the version that it
#   goes back to.
# custom:
#   code: BAS-06
#   severity: medium
#   remediation: Raise the major or minor number of metadata.version.
#   controls: [SOC2:CC8.1]
#   collections: [baseline]
#   waivable: true
package bspec.rules.global.baseline.expansion_bumps_version

deny contains {
	"msg": $"the change expands what the agent may do ({what}), but the version step is {input.change.version_step}",
	"path": "/metadata/version",
} if {
	input.change.verdict == "expansion"
	input.action != "rollback"
	not input.change.version_step in {"minor", "major"}
	some what in changed
}

# what expands, or that nobody said what
changed contains what if some what in named

changed contains "in a way that is not named" if count(named) == 0

named contains $"{item.path}: {item.what}" if {
	some item in input.change.items
	item.verdict == "expansion"
}
