"""One file an output format; input is always a Decision, a Change or a Verification."""
