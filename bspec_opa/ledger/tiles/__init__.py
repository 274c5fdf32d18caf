"""A ledger as static files, C2SP tlog-tiles: tiles of hashes, bundles of entries, the checkpoint."""
