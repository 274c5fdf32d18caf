"""What people who write Rego ask for: their policies found, made, tested, linted, documented, measured."""
