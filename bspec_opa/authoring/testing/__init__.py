"""``policy test``: OPA's own test runner, and what its result proves."""
