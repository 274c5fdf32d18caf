"""The global rules over intents, and conftest's policies beside them."""
