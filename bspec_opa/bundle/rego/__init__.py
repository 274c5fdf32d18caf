"""What authors write: Rego sources, as OPA parses and type-checks them, and our own checks over them."""
