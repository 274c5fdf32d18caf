"""Bundles as files: built, signed, verified, compared, served, pushed and pulled."""
