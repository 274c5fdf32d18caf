"""Being a witness, and asking witnesses: the verbs ``ledger witness`` and ``ledger cosign``, and what promote needs."""
