"""behavior.lock: one signed line a promotion, chained and append-only."""
