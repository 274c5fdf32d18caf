"""Why a rule decided as it did: its place, its Rego, the values that it saw, and what would lift it."""
