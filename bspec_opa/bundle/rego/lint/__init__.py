"""Our own checks over OPA's syntax tree."""
