"""Decisions of the past and inputs that were kept: found, read, and decided again. Nothing is written."""
