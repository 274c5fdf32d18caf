"""Keys and trust roots for people and as JSON."""
