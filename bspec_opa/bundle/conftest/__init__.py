"""Policies of conftest's form, run unchanged through OPA; what conftest lets through silently is refused."""
