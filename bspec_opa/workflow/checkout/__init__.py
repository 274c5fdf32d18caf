"""What a command finds where it is run: configuration, intent, trust root, ledger, inbox, policy."""
