"""Who may sign what: keys, DSSE envelopes, in-toto statements, the trust root."""
