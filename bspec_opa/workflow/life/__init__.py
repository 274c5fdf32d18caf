"""The life of a lock after its promotion: rolled back, revoked, retired, adopted, waived."""
