"""A ledger as a whole: verified, exported, moved into another store."""
