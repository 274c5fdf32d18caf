"""The record for people and as JSON: ledger, lock, records, promotions, verifications, witnesses."""
