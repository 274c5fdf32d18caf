"""For people who write Rego: new rules, tests, lint, documentation and cost; everything runs the real OPA."""
