# METADATA
# title: A team's policies
# description: |
#   Such as a team has for conftest: a few denials and warnings over the intent, some of which find something in the
#   generated intents.
package team

deny_secret_name contains msg if {
	some tool in input.intent.tools
	regex.match(`(?i)(secret|password|token)`, tool.id)
	msg := sprintf("tool %s is named after a secret", [tool.id])
}

deny_admin contains msg if {
	some tool in input.intent.tools
	tool.privilege == "admin"
	msg := sprintf("tool %s is an administrator", [tool.id])
}

deny_open_write contains {"msg": msg, "path": sprintf("%s/world", [tool.path])} if {
	some tool in input.intent.tools
	tool.privilege == "write"
	tool.world == "open"
	msg := sprintf("tool %s writes to an open world", [tool.id])
}

violation_operations contains {"msg": msg} if {
	some tool in input.intent.tools
	count(tool.operations) > 20
	msg := sprintf("tool %s has %d operations", [tool.id, count(tool.operations)])
}

warn_writer contains {"msg": msg, "path": tool.path} if {
	some tool in input.intent.tools
	tool.privilege == "write"
	msg := sprintf("tool %s writes", [tool.id])
}

warn_many_tools contains msg if {
	number := count(input.intent.tools)
	number > 4
	msg := sprintf("%d tools are many", [number])
}

exception contains ["many_tools"] if input.intent.metadata.id == "agent-0005"
