"""Strict documents: a YAML 1.2 subset and JSON, read without guessing and with a place for every value."""
