"""The declaration: behavior.intent's model, published schema, capability surface and its partial order."""
