"""Decisions for people and as JSON: evaluated, explained, compared, and what would change them."""
