package bspec.rules.global.data.categories_redacted_test

import data.bspec.rules.global.data.categories_redacted as rule
import data.bspec.testing

found(level, categories, redact) := denials if {
	denials := rule.deny with input as testing.allowed
		with input.intent.constraints.logging as {"level": level, "retention_days": 365, "redact": redact}
		with input.intent.constraints.data.categories as categories
		with data.bspec.org.redacted_categories as ["pii", "health"]
}

logged(category, level) := {
	"msg": $"data of category {category} is logged at level {level} without redaction",
	"path": "/constraints/logging/redact",
}

test_fail[note] if {
	some note, case in {
		"full": {"level": "full", "categories": ["pii"], "redact": [], "want": {"pii"}},
		"decision": {"level": "decision", "categories": ["pii"], "redact": ["other"], "want": {"pii"}},
		"one of two": {"level": "full", "categories": ["health", "pii"], "redact": ["pii"], "want": {"health"}},
		"two": {"level": "full", "categories": ["health", "pii"], "redact": [], "want": {"health", "pii"}},
	}
	found(case.level, case.categories, case.redact) == {logged(c, case.level) | some c in case.want}
}

test_success[note] if {
	some note, case in {
		"redacted": {"level": "full", "categories": ["pii"], "redact": ["pii"]},
		"another category": {"level": "full", "categories": ["finance"], "redact": []},
		"no category": {"level": "full", "categories": [], "redact": []},
		"no content": {"level": "metadata", "categories": ["pii"], "redact": []},
		"no log": {"level": "none", "categories": ["pii"], "redact": []},
	}
	found(case.level, case.categories, case.redact) == set()
}
