"""Bundles for people and as JSON: built, signed, served, pushed and pulled."""
