"""Witnesses: who remembers a ledger's head and cosigns only what goes on from it (C2SP tlog-witness)."""
