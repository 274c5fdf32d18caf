"""The append-only RFC 6962 Merkle log, its C2SP checkpoint and its stores."""
