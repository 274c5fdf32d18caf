"""Decisions as lines of OPA's decision log, and on to a collector."""
