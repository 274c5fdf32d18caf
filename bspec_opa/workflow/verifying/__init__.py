"""Lock lines held against the record, and what runs against the lock; nothing is believed that can be rebuilt."""
