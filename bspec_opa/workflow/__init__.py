"""The only place where the rooms meet: evaluate, promote, record, verify."""
