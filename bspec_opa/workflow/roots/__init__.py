"""Versions of the trust root: made, signed in rounds, rotated, revoked from, restarted after, walked."""
