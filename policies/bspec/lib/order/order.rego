# METADATA
# title: Orders
# description: Ranks of the closed vocabularies, from less to more; a test holds them equal to the schema's enums.
package bspec.lib.order

tier := {"low": 0, "medium": 1, "high": 2}

privilege := {"none": 0, "read": 1, "write": 2, "execute": 3, "admin": 4}

sensitivity := {"public": 0, "internal": 1, "confidential": 2, "restricted": 3}
