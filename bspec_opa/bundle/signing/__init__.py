"""OPA's own bundle signatures: made here and read there, made there and read here."""
