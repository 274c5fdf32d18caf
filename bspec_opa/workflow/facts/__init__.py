"""Verified records, digests and the clock, put together into the facts that policies see. Pure."""
