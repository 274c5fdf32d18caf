"""The parts of a file ledger: the log that counts, and the side files that make it quick."""
