"""What is current now: what a trust root demands, and the short-lived statement that says so."""
