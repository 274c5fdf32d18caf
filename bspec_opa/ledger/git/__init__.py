"""The ledger in a Git ref of its own."""
